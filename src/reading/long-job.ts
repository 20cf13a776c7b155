import { eachMemberOf, JsonText, utf8Bytes } from '../json/json-text.ts';
import { JsonError } from '../json/scanner.ts';

/** A long text to be read: as a value, or for certain members of the object that it is. */
export interface LongJob {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  readonly keys?: readonly string[];
}

/** Where a member's value lies in the text. */
export interface FoundMember {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

export type LongResult =
  | { readonly type: 'value'; readonly text: string; readonly utf8Bytes: number }
  /** Of a name that comes twice the last one. */
  | { readonly type: 'members'; readonly text: string; readonly members: readonly FoundMember[] }
  /** It is no JSON, or none of its kind. */
  | { readonly type: 'refused'; readonly message: string };

/** Does in one go what takes long. */
export function carryOut({ bytes, keys }: LongJob): LongResult {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return keys === undefined ? readValue(text) : readMembers(text, new Set(keys));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { type: 'refused', message: error.message };
  }
}

function readValue(text: string): LongResult {
  const value = JsonText.parse(text);
  return { type: 'value', text: value.text, utf8Bytes: utf8Bytes(value) };
}

function readMembers(text: string, keys: ReadonlySet<string>): LongResult {
  const found = new Map<string, FoundMember>();
  eachMemberOf(text, (key, start, end, depth) => {
    if (keys.has(key)) found.set(key, { key, start, end, depth });
  });
  return { type: 'members', text, members: [...found.values()] };
}
