import { printJson } from '../json/print.ts';

/** The JSON of a list, one item after the other, since together they may be large. */
export function* printList(items: readonly object[]): Generator<string> {
  for (const [index, item] of items.entries()) {
    yield `${index === 0 ? '[' : ','}${printJson(item)}`;
  }
  yield items.length === 0 ? '[]' : ']';
}
