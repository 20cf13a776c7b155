import { constants } from 'node:os';
import { EXIT } from './exit-codes.ts';

/** The user ended the command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.exitCode = EXIT.signalBase + constants.signals[signal];
  }
}

/** Rejects with Interrupted on the first SIGINT or SIGTERM; a second one ends the process at once. */
export function onInterrupt(): { interrupted: Promise<never>; dispose: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const listener = (signal: 'SIGINT' | 'SIGTERM') => {
    dispose();
    reject(new Interrupted(signal));
  };
  const dispose = () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
  process.once('SIGINT', listener);
  process.once('SIGTERM', listener);
  return { interrupted: promise, dispose };
}
