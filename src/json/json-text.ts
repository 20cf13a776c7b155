import { JsonError, Scanner } from './scanner.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/**
 * So deep may objects and arrays lie in each other. Python's own decoder and encoder give up at
 * 1,000 levels, Node.js's encoder at some thousand; what is as deep as this passes both.
 */
export const DEPTH_MAX = 1000;

const OPEN_OBJECT = '{';
const COMMA = 0x2c;
const CLOSE_OBJECT = 0x7d;
const CLOSE_LIST = 0x5d;

/**
 * A valid JSON text of bounded depth, on one line. Values of clients and functions travel as such:
 * nobody parses one only to print it again, so that each number keeps its digits.
 */
export class JsonText {
  readonly text: string;
  /** Where they have been counted. */
  readonly utf8Bytes: number | undefined;

  private constructor(text: string, utf8Bytes?: number) {
    this.text = text;
    this.utf8Bytes = utf8Bytes;
  }

  /**
   * Takes what comes from outside.
   * @throws JsonError
   */
  static parse(text: string, maxDepth = DEPTH_MAX): JsonText {
    using scanner = new Scanner(text, maxDepth);
    const start = scanner.space(0);
    const { end } = scanner.value(start);
    const rest = scanner.space(end);
    if (rest !== text.length) {
      throw scanner.unexpected(rest);
    }
    const value = text.slice(start, end);
    // In a valid text they are white space between two tokens.
    return new JsonText(value.includes('\n') ? value.replaceAll('\n', ' ') : value);
  }

  /**
   * Of a value that JavaScript has.
   * @throws JsonError when it is too deep, or JSON has no text for it
   */
  static of(value: JsonValue): JsonText {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (error) {
      throw new JsonError(`a value has no JSON text: ${String(error)}`);
    }
    // Each level takes two characters.
    return text !== undefined && text.length <= 2 * DEPTH_MAX
      ? new JsonText(text)
      : JsonText.parse(text ?? '');
  }

  static isObject(text: string): boolean {
    try {
      return JsonText.parse(text).isObject;
    } catch {
      return false;
    }
  }

  /** Of a text, or part of one, that was scanned. */
  static trusted(text: string, utf8Bytes?: number): JsonText {
    return new JsonText(text, utf8Bytes);
  }

  /** The same in memory of its own: a part of a text keeps the whole of it alive. */
  detached(): JsonText {
    return new JsonText(Buffer.from(this.text).toString());
  }

  get isObject(): boolean {
    return this.text.startsWith(OPEN_OBJECT);
  }

  get isArray(): boolean {
    return this.text.startsWith('[');
  }

  /** As JavaScript sees it, which is not always what it says. */
  value(): JsonValue {
    return JSON.parse(this.text) as JsonValue;
  }
}

/** Hears of one member of an object in a text: its key, and the offsets and the depth of its value. */
type MemberTaker = (key: string, start: number, end: number, depth: number) => void;

/**
 * Calls `take` for each member of the object that begins at `start`; returns the offset behind the object.
 * @throws JsonError
 */
function eachMember(scanner: Scanner, start: number, take: MemberTaker): number {
  const { text } = scanner;
  if (!text.startsWith(OPEN_OBJECT, start)) {
    throw scanner.unexpected(start);
  }
  let at = scanner.space(start + 1);
  if (text.charCodeAt(at) === CLOSE_OBJECT) {
    return at + 1;
  }
  for (;;) {
    const behind = scanner.string(at);
    const key = unquote(text.slice(at, behind));
    const value = scanner.colon(behind);
    const { end, depth } = scanner.value(value);
    take(key, value, end, depth);
    at = scanner.space(end);
    const next = text.charCodeAt(at);
    if (next === CLOSE_OBJECT) {
      return at + 1;
    }
    if (next !== COMMA) {
      throw scanner.unexpected(at);
    }
    at = scanner.space(at + 1);
  }
}

/**
 * Calls `take` for each member of the object that a text is, with white space
 * behind it at most.
 * @throws JsonError
 */
export function eachMemberOf(text: string, take: MemberTaker): void {
  using scanner = new Scanner(text);
  const rest = scanner.space(eachMember(scanner, 0, take));
  if (rest !== text.length) {
    throw scanner.unexpected(rest);
  }
}

/** What an object's text holds; of a name that comes twice the last value counts, as for every parser. */
export function membersOf(object: JsonText): Map<string, JsonText> {
  const members = new Map<string, JsonText>();
  const { text } = object;
  eachMember(new Scanner(text), 0, (key, start, end) => {
    members.set(key, JsonText.trusted(text.slice(start, end)));
  });
  return members;
}

/** What an array's text holds. */
export function itemsOf(array: JsonText): JsonText[] {
  const { text } = array;
  const scanner = new Scanner(text);
  const items: JsonText[] = [];
  let at = scanner.space(1);
  while (text.charCodeAt(at) !== CLOSE_LIST) {
    const { end } = scanner.value(at);
    items.push(JsonText.trusted(text.slice(at, end)));
    at = scanner.space(end);
    at = text.charCodeAt(at) === COMMA ? scanner.space(at + 1) : at;
  }
  return items;
}

/** An object of these members, in their order. */
export function objectOf(members: Iterable<readonly [string, JsonText]>): JsonText {
  const parts = Array.from(members, ([key, { text }]) => `${JSON.stringify(key)}:${text}`);
  return JsonText.trusted(`{${parts.join(',')}}`);
}

/** The members of two objects. Of a name that both have, parsers take what comes last: `over`'s. */
export function mergeObjects(under: JsonText, over: JsonText): JsonText {
  const inside = [under, over].map(({ text }) => text.slice(1, -1)).filter((members) => /\S/.test(members));
  return JsonText.trusted(`{${inside.join(',')}}`);
}

const U = 0x75;
const HEX_0 = 0x30;
const HEX_2 = 0x32;
const HEX_8 = 0x38;
const SURROGATES = /[dD][89a-fA-F]/y;

/** Bytes that it takes as UTF-8 when nothing is escaped (`\u00e9`) that need not be. */
export function utf8Bytes({ text, utf8Bytes: counted }: JsonText): number {
  if (counted !== undefined) {
    return counted;
  }
  let bytes = Buffer.byteLength(text);
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at + 2)) {
    if (text.charCodeAt(at + 1) === U) {
      bytes -= savedBytes(text, at + 2);
    }
  }
  return bytes;
}

/** Of the six of an escape whose digits begin there. */
function savedBytes(text: string, at: number): number {
  const [first, second, third] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
  if (first !== HEX_0 || second >= HEX_8) {
    SURROGATES.lastIndex = at;
    // Two of them make a character of four bytes.
    return SURROGATES.test(text) ? 4 : 3;
  }
  if (second !== HEX_0 || third >= HEX_8) {
    return 4;
  }
  return third >= HEX_2 ? 5 : 0;
}

/** The value of a string's text. */
function unquote(text: string): string {
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
}
