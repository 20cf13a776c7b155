import { z } from 'zod';
import { imageDigest } from '../action/code-store.ts';
import { cutCode } from '../action/cut-code.ts';
import { type CodeText, LONG_CODE_BYTES, LongCode } from '../action/long-code.ts';
import { JsonText } from '../json/json-text.ts';
import { actionDocument } from './action-document.ts';
import type { ActionFields, ActionRecord } from './action-record.ts';
import { entityName, entityVersion, keyValues, parameters } from './fields.ts';
import { recordLimits } from './limits.ts';
import { printAction } from './print-action.ts';

/** Raised when the fields change their meaning. */
const STORED_VERSION = 1;

/** An action as its file has it: what was put, and which image was made of it. */
const storedAction = z.strictObject({
  format: z.literal(STORED_VERSION),
  namespace: entityName,
  name: entityName,
  version: entityVersion,
  publish: z.boolean(),
  exec: z.strictObject({
    kind: z.string(),
    code: z.string(),
    main: z.string().exactOptional(),
    binary: z.boolean().exactOptional(),
  }),
  parameters,
  annotations: keyValues,
  limits: z.strictObject(recordLimits.shape),
  updated: z.number(),
  /** Digest of the code's image; null for a source file. */
  image: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

/**
 * Reads what `printStoredAction` has written.
 * @returns the action, and the digest of its code's image
 * @throws Error that says what is wrong with it
 */
export function parseStoredAction(bytes: Buffer): { fields: ActionFields; image: string | null } {
  const { rest, literal } = cutCode(bytes, Number.POSITIVE_INFINITY);
  const { success, data, error } = storedAction.safeParse(actionDocument(JsonText.parse(rest)));
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { format: _, image, ...fields } = data;
  const code = literal === undefined ? fields.exec.code : codeOf(literal);
  return { fields: { ...fields, exec: { ...fields.exec, code } }, image };
}

function codeOf(literal: Buffer): CodeText {
  return literal.length > LONG_CODE_BYTES
    ? new LongCode(literal)
    : (JSON.parse(literal.toString('utf8')) as string);
}

/** On one line, in pieces. */
export function printStoredAction(record: ActionRecord): (string | Uint8Array)[] {
  const { packed: _, action, ...fields } = record;
  const { code } = action;
  const image = code.type === 'image' ? imageDigest(code.imagePath) : null;
  return printAction({ format: STORED_VERSION, ...fields, image });
}
