import type { JsonValue } from '../node/types.ts';

/** Messages of docs/driver-protocol.md. What a driver says is hostile: user code runs beside it. */

export type DriverCode =
  | { readonly type: 'source'; readonly source: string; readonly filename: string }
  | { readonly type: 'dir'; readonly dir: string };

export type RunStatus = 'ok' | 'application_error' | 'developer_error';

export type DriverAnswer =
  | { readonly op: 'booted'; readonly version: string }
  | { readonly op: 'ready'; readonly seeded: boolean }
  | { readonly op: 'failed'; readonly error: string; readonly seeded: boolean }
  | { readonly op: 'collected'; readonly seeded: boolean }
  /** The run stands still where it may be captured, until it is resumed. */
  | {
      readonly op: 'parked';
      readonly id: number;
      /** What it has used that differs from run to run: a kind, a colon, a name. */
      readonly observed: readonly string[];
      readonly seeded: boolean;
    }
  | {
      readonly op: 'result';
      readonly id: number;
      readonly status: RunStatus;
      readonly value: JsonValue;
      readonly seeded: boolean;
      /** The function called checkpoint(), and no capture was wanted. */
      readonly checkpoint: boolean;
      /** The program ends after this answer. */
      readonly ending: boolean;
    };

function seedField(seed: string | undefined): string {
  return seed === undefined ? '' : `,"seed":"${seed}"`;
}

/** @param specialize whether `specialize` messages may follow */
export function initMessage(
  main: string,
  code: DriverCode,
  env: Readonly<Record<string, string>>,
  seed: string | undefined,
  specialize = false,
): string {
  const what = code.type === 'source' ? { source: code.source, filename: code.filename } : { dir: code.dir };
  const fields = JSON.stringify({ main, ...what, env, ...(specialize && { specialize }) });
  return `{"op":"init"${seedField(seed)},${fields.slice(1)}\n`;
}

/** Asks for what a capture should find: no garbage, nothing of the last run's environment. */
export function collectMessage(seed: string | undefined): string {
  return `{"op":"collect"${seedField(seed)}}\n`;
}

/**
 * `value` and `env` come as JSON texts, since a caller may have them so already.
 * @param checkpoint the driver parks where the function calls checkpoint()
 */
export function runMessage(
  id: number,
  value: string,
  env: string,
  seed: string | undefined,
  checkpoint = false,
): string {
  const asks = checkpoint ? ',"checkpoint":true' : '';
  return `{"op":"run","id":${id},"value":${value},"env":${env}${asks}${seedField(seed)}}\n`;
}

/** A run with the arguments that are fixed alone: the driver parks where the function needs another one. */
export function specializeMessage(id: number, fixed: string, seed: string | undefined): string {
  return `{"op":"specialize","id":${id},"value":${fixed}${seedField(seed)}}\n`;
}

/** The arguments with which a parked run goes on; its result has this id. */
export function resumeMessage(id: number, value: string, env: string, seed: string | undefined): string {
  return `{"op":"resume","id":${id},"value":${value},"env":${env}${seedField(seed)}}\n`;
}

const OBSERVED_MAX = 64;
const OBSERVED_CHARS_MAX = 128;

function isObserved(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= OBSERVED_MAX &&
    value.every((text) => typeof text === 'string' && text.length <= OBSERVED_CHARS_MAX)
  );
}

const RUN_STATUSES: readonly unknown[] = ['ok', 'application_error', 'developer_error'] satisfies RunStatus[];

/** Undefined for anything that is no message of the protocol. */
export function parseAnswer(line: Buffer): DriverAnswer | undefined {
  let message: unknown;
  try {
    message = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) {
    return undefined;
  }
  const { op, version, error, id, status, value, seeded, observed, checkpoint, ending } = message as Record<
    string,
    unknown
  >;
  switch (op) {
    case 'booted':
      return typeof version === 'string' ? { op, version } : undefined;
    case 'ready':
      return { op, seeded: seeded === true };
    case 'failed':
      return typeof error === 'string' ? { op, error, seeded: seeded === true } : undefined;
    case 'collected':
      return { op, seeded: seeded === true };
    case 'parked':
      return typeof id === 'number' && isObserved(observed)
        ? { op, id, observed, seeded: seeded === true }
        : undefined;
    case 'result':
      return typeof id === 'number' && RUN_STATUSES.includes(status) && value !== undefined
        ? {
            op,
            id,
            status: status as RunStatus,
            value: value as JsonValue,
            seeded: seeded === true,
            checkpoint: checkpoint === true,
            ending: ending === true,
          }
        : undefined;
    default:
      return undefined;
  }
}
