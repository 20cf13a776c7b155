import { z } from 'zod';
import { cutCode } from '../action/cut-code.ts';
import { type CodeText, LONG_CODE_BYTES, LongCode } from '../action/long-code.ts';
import { JsonText } from '../json/json-text.ts';
import type { ActionRecord } from './action-record.ts';
import { actionDocument } from './body.ts';
import { entityName, keyValues, LIMIT_RANGES, parameters } from './schemas.ts';

/** Raised when the fields change their meaning. */
const STORED_VERSION = 1;

const within = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);

/** An action as its file has it: what was put, and which image was made of it. */
const storedAction = z.strictObject({
  format: z.literal(STORED_VERSION),
  namespace: entityName,
  name: entityName,
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  publish: z.boolean(),
  exec: z.strictObject({
    kind: z.string(),
    code: z.string(),
    main: z.string().exactOptional(),
    binary: z.boolean().exactOptional(),
  }),
  parameters,
  annotations: keyValues,
  limits: z.strictObject({
    timeout: within(LIMIT_RANGES.timeout),
    memory: within(LIMIT_RANGES.memory),
    logs: within(LIMIT_RANGES.logs),
    concurrency: within(LIMIT_RANGES.concurrency),
  }),
  updated: z.number(),
  /** Digest of the code's image; null for a source file. */
  image: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});
type StoredFields = z.infer<typeof storedAction>;
export interface StoredAction extends Omit<StoredFields, 'exec'> {
  readonly exec: Omit<StoredFields['exec'], 'code'> & { readonly code: CodeText };
}

/** @throws Error that says what is wrong with it */
export function parseStoredAction(bytes: Buffer): StoredAction {
  const { rest, literal } = cutCode(bytes, Number.POSITIVE_INFINITY);
  const { success, data, error } = storedAction.safeParse(actionDocument(JsonText.parse(rest)));
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  return literal === undefined ? data : { ...data, exec: { ...data.exec, code: codeOf(literal) } };
}

function codeOf(literal: Buffer): CodeText {
  return literal.length > LONG_CODE_BYTES
    ? new LongCode(literal)
    : (JSON.parse(literal.toString('utf8')) as string);
}

export function toStoredAction(record: ActionRecord, image: string | null): StoredAction {
  const { namespace, name, version, publish, exec, parameters, annotations, limits, updated } = record;
  return {
    format: STORED_VERSION,
    namespace,
    name,
    version,
    publish,
    exec,
    parameters: [...parameters],
    annotations: [...annotations],
    limits,
    updated,
    image,
  };
}
