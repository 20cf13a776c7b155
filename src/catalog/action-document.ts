import { itemsOf, type JsonText, membersOf } from '../json/json-text.ts';
import { compactJson } from '../json/print.ts';

/** Lists of a document whose values are the user's. */
const LISTS = new Set(['parameters', 'annotations']);

/** An action's document, in which the values of parameters and annotations are texts. */
export function actionDocument(text: JsonText): unknown {
  if (!text.isObject) return text.value();
  return mapMembers(text, (name, member) =>
    LISTS.has(name) && member.isArray ? itemsOf(member).map(keyValue) : member.value(),
  );
}

function keyValue(item: JsonText): unknown {
  if (!item.isObject) return item.value();
  return mapMembers(item, (name, member) =>
    name === 'value' ? compactJson(member).detached() : member.value(),
  );
}

function mapMembers(object: JsonText, map: (name: string, member: JsonText) => unknown): object {
  return Object.fromEntries(Array.from(membersOf(object), ([name, member]) => [name, map(name, member)]));
}
