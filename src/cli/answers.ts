import { z } from 'zod';
import { itemsOf, JsonText, membersOf } from '../json/json-text.ts';

/** Members of a node's answers that hold values of users: they are shown as they came. */
const USER_VALUES = new Set(['result', 'fixed', 'value']);

export const userValue = z.custom<JsonText>((value) => value instanceof JsonText, 'is missing');

/** An answer, in which users' values are texts; undefined when it is no JSON. */
export function parseAnswer(text: string): unknown {
  try {
    return lift(JsonText.parse(text, Number.POSITIVE_INFINITY));
  } catch {
    return undefined;
  }
}

function lift(text: JsonText): unknown {
  if (text.isArray) return itemsOf(text).map(lift);
  if (!text.isObject) return text.value();
  return Object.fromEntries(
    Array.from(membersOf(text), ([name, member]) => [name, USER_VALUES.has(name) ? member : lift(member)]),
  );
}
