import { z } from 'zod';
import { JsonText, utf8Bytes } from '../json/json-text.ts';
import { ApiError, TOO_LARGE } from './errors.ts';

/** OpenWhisk's rule for names of actions, triggers, rules and packages. */
export const entityName = z
  .string()
  .max(256)
  .regex(/^(\w|\w[\w@ .-]*[\w@.-]+)$/, 'is no valid name');

/** A user's value is kept as it was sent. */
export const userValue = z.custom<JsonText>((value) => value instanceof JsonText, 'is missing');

export const keyValues = z.array(z.object({ key: z.string().min(1), value: userValue }));

/** A default parameter; with `init` it is part of the environment that the code is loaded in. */
export const parameters = z.array(
  z.object({ key: z.string().min(1), value: userValue, init: z.boolean().optional() }),
);

export type KeyValue = z.infer<typeof keyValues>[number];
export type Parameter = z.infer<typeof parameters>[number];

/** Ranges of OpenWhisk's docs/reference.md; milliseconds and megabytes. */
export const LIMIT_RANGES = {
  timeout: { min: 100, max: 300_000, standard: 60_000 },
  memory: { min: 128, max: 512, standard: 256 },
  logs: { min: 0, max: 10, standard: 10 },
  concurrency: { min: 1, max: 1, standard: 1 },
} as const;

const within = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max).optional();

const limits = z.object({
  timeout: within(LIMIT_RANGES.timeout),
  memory: within(LIMIT_RANGES.memory),
  logs: within(LIMIT_RANGES.logs),
  concurrency: within(LIMIT_RANGES.concurrency),
});

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
  limits: limits.optional(),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/)
    .optional(),
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
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the request'}: ${message}`,
  );
  throw new ApiError(400, `The request content was malformed: ${faults.join('; ')}`);
}
