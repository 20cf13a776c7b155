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
  | {
      readonly op: 'result';
      readonly id: number;
      readonly status: RunStatus;
      readonly value: JsonValue;
      readonly seeded: boolean;
    };

function seedField(seed: string | undefined): string {
  return seed === undefined ? '' : `,"seed":"${seed}"`;
}

export function initMessage(
  main: string,
  code: DriverCode,
  env: Readonly<Record<string, string>>,
  seed: string | undefined,
): string {
  const what = code.type === 'source' ? { source: code.source, filename: code.filename } : { dir: code.dir };
  const fields = JSON.stringify({ main, ...what, env });
  return `{"op":"init"${seedField(seed)},${fields.slice(1)}\n`;
}

/** `value` and `env` come as JSON texts, since a caller may have them so already. */
/** Asks for what a capture should find: no garbage, nothing of the last run's environment. */
export function collectMessage(seed: string | undefined): string {
  return `{"op":"collect"${seedField(seed)}}\n`;
}

export function runMessage(id: number, value: string, env: string, seed: string | undefined): string {
  return `{"op":"run","id":${id},"value":${value},"env":${env}${seedField(seed)}}\n`;
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
  const { op, version, error, id, status, value, seeded } = message as Record<string, unknown>;
  switch (op) {
    case 'booted':
      return typeof version === 'string' ? { op, version } : undefined;
    case 'ready':
      return { op, seeded: seeded === true };
    case 'failed':
      return typeof error === 'string' ? { op, error, seeded: seeded === true } : undefined;
    case 'collected':
      return { op, seeded: seeded === true };
    case 'result':
      return typeof id === 'number' && RUN_STATUSES.includes(status) && value !== undefined
        ? { op, id, status: status as RunStatus, value: value as JsonValue, seeded: seeded === true }
        : undefined;
    default:
      return undefined;
  }
}
