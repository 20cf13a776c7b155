import type { FastifyRequest } from 'fastify';
import { itemsOf, JsonText, membersOf } from '../json/json-text.ts';
import { compactJson } from '../json/print.ts';
import { JsonError } from '../json/scanner.ts';
import { ApiError } from './errors.ts';

/**
 * The body of a request, which the server keeps as a text; undefined if there is none.
 * @throws ApiError 400
 */
export function bodyOf(request: FastifyRequest): JsonText | undefined {
  return typeof request.body === 'string' ? jsonOf(request.body) : undefined;
}

/**
 * Undefined for white space alone.
 * @throws ApiError 400
 */
export function jsonOf(text: string): JsonText | undefined {
  if (!/\S/.test(text)) return undefined;
  try {
    return JsonText.parse(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new ApiError(400, `The request content was malformed: ${error.message}.`);
  }
}

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
