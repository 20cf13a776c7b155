import type { FastifyRequest } from 'fastify';
import { JsonText } from '../json/json-text.ts';
import { JsonError } from '../json/scanner.ts';
import { LONG_BYTES, readLongValue } from '../reading/long-texts.ts';
import { malformed } from './errors.ts';
import type { BodyBytes } from './http/body-bytes.ts';

/**
 * The body of a request, which the server keeps as a text; undefined if there is none.
 * @throws ApiError 400
 */
export function bodyOf({ body }: FastifyRequest): JsonText | undefined {
  if (body instanceof JsonText) return body;
  return typeof body === 'string' ? jsonOf(body) : undefined;
}

/**
 * A body as requests carry it: a text, which in a long one was read already.
 * @throws ApiError 400
 */
export async function readText(body: BodyBytes): Promise<string | JsonText> {
  if (body.length < LONG_BYTES) return body.text();
  return await readLongValue(body.joined()).catch(refuse);
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
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  if (!(error instanceof JsonError)) throw error;
  throw malformed(`${error.message}.`);
}
