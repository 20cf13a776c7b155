import { DEPTH_MAX, eachMemberOf, JsonText } from '../json/json-text.ts';
import { JsonError } from '../json/scanner.ts';
import type { FoundMember } from '../reading/long-job.ts';

/** Messages of docs/reference/driver-protocol.md. What a driver says is hostile: user code runs beside it. */

export type DriverCode =
  | { readonly type: 'source'; readonly source: string; readonly filename: string }
  | { readonly type: 'dir'; readonly dir: string };

type RunStatus = 'ok' | 'application_error' | 'developer_error';

export type DriverAnswer =
  /** `version` is the interpreter's, `protocol` that of the messages, if the driver names one. */
  | { readonly op: 'booted'; readonly version: string; readonly protocol: number | undefined }
  | { readonly op: 'ready'; readonly seeded: boolean }
  | { readonly op: 'failed'; readonly error: string; readonly seeded: boolean }
  /** `drawn`: the function has drawn random values, and `examine` tells whether it keeps some. */
  | { readonly op: 'collected'; readonly drawn: boolean; readonly seeded: boolean }
  /** What other clones of the same snapshot would have in common with this one. */
  | { readonly op: 'examined'; readonly shared: readonly string[]; readonly seeded: boolean }
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
      /** An object or an array, of any depth. */
      readonly value: JsonText;
      /** It is deeper than DEPTH_MAX. */
      readonly tooDeep: boolean;
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

/** Asks a clone of what was collected whether it holds random values. */
export function examineMessage(seed: string): string {
  return `{"op":"examine"${seedField(seed)}}\n`;
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

/** What a run has used is shown to people, and comes from a hostile guest. */
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

/** Members of a line that have a meaning, but for the value of a result. */
const PLAIN_MEMBERS = [
  'op',
  'version',
  'protocol',
  'error',
  'id',
  'status',
  'seeded',
  'observed',
  'checkpoint',
  'ending',
  'drawn',
  'shared',
] as const;
type PlainMember = (typeof PLAIN_MEMBERS)[number];
const PLAIN: ReadonlySet<string> = new Set(PLAIN_MEMBERS);
export const ANSWER_MEMBERS: readonly string[] = ['value', ...PLAIN_MEMBERS];

function isPlain(key: string): key is PlainMember {
  return PLAIN.has(key);
}

/** What a line says: the values of members that have a meaning, but of `value` its text. */
class Line {
  op: unknown;
  version: unknown;
  protocol: unknown;
  error: unknown;
  id: unknown;
  status: unknown;
  seeded: unknown;
  observed: unknown;
  checkpoint: unknown;
  ending: unknown;
  drawn: unknown;
  shared: unknown;
  value: JsonText | undefined;
  tooDeep = false;

  set(key: string, text: string, depth: number): void {
    if (key === 'value') {
      this.value = JsonText.trusted(text);
      this.tooDeep = depth > DEPTH_MAX;
    } else if (isPlain(key)) {
      this[key] = plainValue(text);
    }
  }
}

/** The value of a valid text. Most are words, numbers or `true`, which need no parser. */
function plainValue(text: string): unknown {
  if (text.startsWith('"') && !text.includes('\\')) {
    return text.slice(1, -1);
  }
  return text === 'true' ? true : JSON.parse(text);
}

function readLine(text: string): Line | undefined {
  const line = new Line();
  try {
    eachMemberOf(text, (key, start, end, depth) => {
      line.set(key, text.slice(start, end), depth);
    });
    return line;
  } catch (error) {
    if (error instanceof JsonError) {
      return undefined;
    }
    throw error;
  }
}

/** What surrounds a value in an answer of our drivers is shorter. */
const ENVELOPE_CHARS = 1024;

/** What is so short is not too deep: each level takes two characters. */
const SHORT_CHARS = 2 * DEPTH_MAX;
const RESULT =
  /^\{"op":"result","id":(\d{1,15}),"status":"(ok|application_error|developer_error)","value":(?=[[{])/;

/** A short result in the very words that our drivers have for it, which are by far most answers. */
function parseShortResult(text: string): DriverAnswer | undefined {
  const head = text.length <= SHORT_CHARS ? RESULT.exec(text) : null;
  if (head === null || !text.endsWith('}')) {
    return undefined;
  }
  let end = text.length - 1;
  const cut = (tail: string): boolean => {
    const found = text.endsWith(tail, end);
    end -= found ? tail.length : 0;
    return found;
  };
  const ending = cut(',"ending":true');
  const seeded = cut(',"seeded":true');
  const checkpoint = cut(',"checkpoint":true');
  const value = text.slice(head[0].length, end);
  if (!isJson(value)) {
    return undefined;
  }
  return {
    op: 'result',
    id: Number(head[1]),
    status: head[2] as RunStatus,
    value: JsonText.trusted(value),
    tooDeep: false,
    seeded,
    checkpoint,
    ending,
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Undefined for anything that is no message of the protocol. */
export function parseAnswer(line: Buffer): DriverAnswer | undefined {
  const text = line.toString('utf8');
  return parseShortResult(text) ?? parseAny(text);
}

function parseAny(text: string): DriverAnswer | undefined {
  const line = readLine(text);
  return line === undefined ? undefined : answerIn(line, text);
}

/** The same of a line that was read elsewhere. */
export function answerOf(text: string, members: Iterable<FoundMember>): DriverAnswer | undefined {
  const line = new Line();
  for (const { key, start, end, depth } of members) {
    line.set(key, text.slice(start, end), depth);
  }
  return answerIn(line, text);
}

function answerIn(read: Line, text: string): DriverAnswer | undefined {
  const { op, version, protocol, error, id, status, observed, shared, value, tooDeep } = read;
  const seeded = read.seeded === true;
  switch (op) {
    case 'booted':
      return typeof version === 'string'
        ? { op, version, protocol: typeof protocol === 'number' ? protocol : undefined }
        : undefined;
    case 'ready':
      return { op, seeded };
    case 'collected':
      return { op, drawn: read.drawn !== false, seeded };
    case 'examined':
      return isObserved(shared) ? { op, shared, seeded } : undefined;
    case 'failed':
      return typeof error === 'string' ? { op, error, seeded } : undefined;
    case 'parked':
      return typeof id === 'number' && isObserved(observed) ? { op, id, observed, seeded } : undefined;
    case 'result': {
      const checkpoint = read.checkpoint === true;
      const ending = read.ending === true;
      return typeof id === 'number' && isStatus(status) && isContainer(value)
        ? { op, id, status, value: keptValue(value, text), tooDeep, seeded, checkpoint, ending }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** The result is kept for long: a small one must not keep a long line alive. */
function keptValue(value: JsonText, line: string): JsonText {
  return line.length - value.text.length > ENVELOPE_CHARS ? value.detached() : value;
}

function isStatus(status: unknown): status is RunStatus {
  return RUN_STATUSES.includes(status);
}

function isContainer(value: JsonText | undefined): value is JsonText {
  return value !== undefined && (value.isObject || value.isArray);
}
