import { CommanderError } from 'commander';
import { ERRORS } from '../contract/error-codes.ts';
import { PlatformError } from '../contract/errors.ts';
import { ApiRequestError } from './api-request-error.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupted } from './interrupt.ts';

/** A mistake on the command line that commander cannot see. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Prints an error where the user looks for it and returns the exit status. */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Interrupted) return error.exitCode;
  const { code, message, remedy, status } = describe(error);
  if (json) console.log(JSON.stringify({ error: { code, message, ...(remedy && { remedy }) } }));
  else console.error(`seuss: ${message}${remedy ? `\n       ${remedy}` : ''}`);
  if (process.env.SEUSS_DEBUG && error instanceof Error) console.error(error);
  return status;
}

function describe(error: unknown): { code: string; message: string; remedy?: string; status: number } {
  if (error instanceof UsageError) {
    return { code: 'usage', message: error.message, remedy: 'See seuss --help.', status: EXIT.usage };
  }
  if (error instanceof ApiRequestError) {
    const { code, message } = error;
    return { code, message, status: error.status < 500 ? EXIT.usage : EXIT.platform };
  }
  if (error instanceof PlatformError) {
    const { code, message, remedy } = error;
    return { code, message, ...(remedy === undefined ? {} : { remedy }), status: ERRORS[code].exit };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message,
    remedy: 'Set SEUSS_DEBUG=1 to see where this happened.',
    status: EXIT.platform,
  };
}
