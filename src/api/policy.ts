import { z } from 'zod';
import {
  type ActionPolicy,
  type JsonObject,
  type JsonValue,
  START_STATES,
  type Warmup,
} from '../node/types.ts';
import { type KeyValue, parse } from './schemas.ts';

/** The annotation that holds the operator's choices for an action. */
export const POLICY_ANNOTATION = 'seuss';

const SPECIALIZATIONS_MAX = 32;
const WARMUP_RUNS_MAX = 10_000;
const WARMUP_RUNS = 50;

/** The arguments that one argument snapshot fixes. */
const specialization = z
  .record(z.string().min(1), z.json())
  .refine((fixed) => Object.keys(fixed).length > 0, 'fixes no argument');

const policy = z.strictObject({
  state: z.enum(START_STATES).optional(),
  specialize: z
    .array(specialization)
    .max(SPECIALIZATIONS_MAX)
    .superRefine((all, context) => {
      const seen = new Set<string>();
      for (const [index, fixed] of all.entries()) {
        const text = canonical(fixed as JsonObject);
        if (seen.has(text)) {
          context.addIssue({ code: 'custom', path: [index], message: 'fixes what another one fixes' });
        }
        seen.add(text);
      }
    })
    .optional(),
  warmup: z
    .strictObject({
      args: z.record(z.string(), z.json()).default({}),
      runs: z.int().min(1).max(WARMUP_RUNS_MAX).default(WARMUP_RUNS),
    })
    .optional(),
});

/** Wrapped as in the request, so that a fault is named by its place there. */
const annotated = z.object({ annotations: z.object({ [POLICY_ANNOTATION]: policy }) });

/**
 * What an action's annotations say about how it is run; a choice that they leave out is absent.
 * @throws ApiError 400 when the annotation `seuss` is malformed
 */
export function policyOf(annotations: readonly KeyValue[]): Partial<ActionPolicy> {
  const annotation = annotations.find(({ key }) => key === POLICY_ANNOTATION);
  if (annotation === undefined) return {};
  const { state, specialize, warmup } = parse(annotated, {
    annotations: { [POLICY_ANNOTATION]: annotation.value },
  }).annotations[POLICY_ANNOTATION];
  return {
    ...(state !== undefined && { state }),
    ...(specialize !== undefined && { specialize: specialize as JsonObject[] }),
    ...(warmup !== undefined && { warmup: warmup as Warmup }),
  };
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_key, part: JsonValue) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
