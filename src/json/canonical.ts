import { itemsOf, type JsonText, membersOf } from './json-text.ts';

/**
 * The same text for equal values, whatever the order of their keys. Numbers are equal when they are
 * written so: 1 and 1.0 are two values to Python, and 2^53 and 2^53 + 1 are not one.
 */
export function canonicalJson(value: JsonText): string {
  const { text } = value;
  if (value.isObject) {
    const members = [...membersOf(value)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  if (value.isArray) {
    return `[${itemsOf(value).map(canonicalJson).join(',')}]`;
  }
  return text.startsWith('"') && text.includes('\\') ? JSON.stringify(JSON.parse(text)) : text;
}
