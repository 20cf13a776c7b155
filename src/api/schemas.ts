import { z } from 'zod';
import { entityName, entityVersion, faultsIn, keyValues, parameters } from '../catalog/fields.ts';
import { recordLimits } from '../catalog/limits.ts';
import { JsonText, utf8Bytes } from '../json/json-text.ts';
import { ApiError, malformed, TOO_LARGE } from './errors.ts';

export const actionPut = z.object({
  exec: z
    .object({
      kind: z.string(),
      code: z.string(),
      main: z.string().optional(),
      binary: z.boolean().optional(),
    })
    .optional(),
  parameters: parameters.optional(),
  annotations: keyValues.optional(),
  delAnnotations: z.array(z.string()).optional(),
  limits: recordLimits.partial().optional(),
  version: entityVersion.optional(),
  publish: z.boolean().optional(),
});
export type ActionPut = z.infer<typeof actionPut>;

/** Query flags: present without a value means true, as with `?blocking`. */
const flag = z.enum(['true', 'false', '']).transform((value) => value !== 'false');
const count = (max: number) => z.coerce.number().int().min(0).max(max);

export const putQuery = z.object({ overwrite: flag.default(false) });
export const getQuery = z.object({ code: flag.default(true) });
export const invokeQuery = z.object({
  blocking: flag.default(false),
  result: flag.default(false),
  timeout: count(60_000).min(1).default(60_000),
});
/** Entries of one answer, as in OpenWhisk. */
const LIST_MAX = 200;
export const listQuery = z.object({
  limit: count(LIST_MAX)
    .default(30)
    .transform((value) => (value === 0 ? LIST_MAX : value)),
  skip: count(Number.MAX_SAFE_INTEGER).default(0),
  count: flag.default(false),
});
export const activationsQuery = listQuery.extend({
  name: entityName.optional(),
  since: count(Number.MAX_SAFE_INTEGER).optional(),
  upto: count(Number.MAX_SAFE_INTEGER).optional(),
  docs: flag.default(false),
});

/** Ids that this node gives. */
export const snapshotId = z.string().regex(/^[0-9a-f]{16}$/, 'a snapshot id has 16 hexadecimal digits');
export const activationId = z.string().regex(/^[0-9a-f]{32}$/, 'an activation id has 32 hexadecimal digits');

/** Of one unit of a string's length. */
const UTF8_BYTES_MAX = 3;
/** OpenWhisk's limit on arguments, 1 MB, and room for the white space of a JSON text. */
const ARGUMENT_BYTES = 1024 * 1024 + 4096;
/** A client that escapes all but ASCII sends up to three times that. */
export const ARGUMENT_BODY_BYTES = 3 * ARGUMENT_BYTES;

const NO_ARGUMENTS = JsonText.of({});

/** Arguments of an invocation: an object, or an array as OpenWhisk allows since 2.0. */
export function parseArguments(body: JsonText | undefined): JsonText {
  if (body === undefined || body.text === 'null') return NO_ARGUMENTS;
  if (!body.isObject && !body.isArray) {
    throw new ApiError(400, 'The arguments of an action are a JSON object or array.');
  }
  if (body.text.length > ARGUMENT_BYTES / UTF8_BYTES_MAX && utf8Bytes(body) > ARGUMENT_BYTES) {
    throw new ApiError(413, TOO_LARGE);
  }
  return body;
}

/** @throws ApiError 400 that names each field at fault */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw malformed(faultsIn(error, 'the request'));
  return data;
}
