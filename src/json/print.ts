import { JsonText } from './json-text.ts';
import { Scanner } from './scanner.ts';

/**
 * What `printJson` takes: JSON with texts in place of values that must keep their digits. Absent
 * members are left out.
 */
type Printable = JsonText | null | boolean | number | string | readonly Printable[] | PrintableObject;
interface PrintableObject {
  readonly [key: string]: Printable | undefined;
}

/** Needs no escapes. */
const PLAIN_KEY = /^\w*$/;

/** The JSON of a document of ours, of few levels. The texts in it stand there as they are. */
export function printJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value) ?? 'null';
  }
  if (value instanceof JsonText) {
    return value.text;
  }
  return Array.isArray(value) ? `[${value.map(printJson).join(',')}]` : printObject(value);
}

/** Each answer comes through here: so no arrays in between. */
function printObject(object: object): string {
  let text = '{';
  for (const key of Object.keys(object)) {
    const member: unknown = object[key as keyof object];
    if (member !== undefined) {
      const name = PLAIN_KEY.test(key) ? `"${key}"` : JSON.stringify(key);
      text += `${text.length === 1 ? '' : ','}${name}:${printJson(member)}`;
    }
  }
  return `${text}}`;
}

/** Calls `take` with each token of a valid text: `{`, a string with its quotes, a number. */
function eachToken(text: string, take: (token: string) => void): void {
  const scanner = new Scanner(text);
  for (let at = scanner.space(0); at < text.length; ) {
    const isMark = '{}[],:'.includes(text.charAt(at));
    const end = isMark ? at + 1 : scanner.value(at).end;
    take(text.slice(at, end));
    at = scanner.space(end);
  }
}

/** The same text without white space. */
export function compactJson({ text }: JsonText): JsonText {
  // Nearly all are so already; inside of strings white space stays.
  if (!/\s/.test(text)) {
    return JsonText.trusted(text);
  }
  const tokens: string[] = [];
  eachToken(text, (token) => tokens.push(token));
  return JsonText.trusted(tokens.join(''));
}

/**
 * The same text on lines of their own for people, as `JSON.stringify(value, undefined, 2)` would
 * set them.
 */
export function prettyJson({ text }: JsonText): string {
  const parts: string[] = [];
  let depth = 0;
  let before = '';
  eachToken(text, (token) => {
    const opens = token === '{' || token === '[';
    const closes = token === '}' || token === ']';
    const opened = before === '{' || before === '[';
    depth -= Number(closes);
    if (closes ? !opened : opened || before === ',') {
      parts.push('\n', '  '.repeat(depth));
    }
    parts.push(token === ':' ? ': ' : token);
    depth += Number(opens);
    before = token;
  });
  return parts.join('');
}
