import { z } from 'zod';
import { type ActionPolicy, DEFAULT_POLICY, STARTS_FROM } from '../contract/action.ts';
import { canonicalJson } from '../json/canonical.ts';
import { itemsOf, JsonText, membersOf } from '../json/json-text.ts';
import { printJson } from '../json/print.ts';
import { argumentsText } from '../node/function/arguments.ts';
import { CatalogError } from './catalog-error.ts';
import { faultsIn, type KeyValue, userValue } from './fields.ts';

/** The annotation that holds the operator's choices for an action. */
const POLICY_ANNOTATION = 'seuss';

/** Of one action: each can come to hold a snapshot. */
const HALFWAY_POINTS_MAX = 32;
/** What an operator may ask for; the other, when nothing is said. */
const WARMUP_RUNS_MAX = 10_000;
const WARMUP_RUNS = 50;

const objectText = userValue.refine((value) => value.isObject, 'is no object');

/** The arguments that one argument snapshot fixes. */
const fixedArguments = objectText
  .refine((fixed) => !fixed.isObject || membersOf(fixed).size > 0, 'fixes no argument')
  .refine((fixed) => !fixed.isObject || !membersOf(fixed).has(''), 'has an argument without a name');

const policy = z.strictObject({
  state: z.enum(STARTS_FROM).optional(),
  specialize: z
    .array(fixedArguments)
    .max(HALFWAY_POINTS_MAX)
    .superRefine((all, context) => {
      const seen = new Set<string>();
      for (const [index, fixed] of all.entries()) {
        const text = canonicalJson(fixed);
        if (seen.has(text)) {
          context.addIssue({ code: 'custom', path: [index], message: 'fixes what another one fixes' });
        }
        seen.add(text);
      }
    })
    .optional(),
  warmup: z
    .strictObject({
      args: objectText.default(() => JsonText.of({})),
      runs: z.int().min(1).max(WARMUP_RUNS_MAX).default(WARMUP_RUNS),
    })
    .optional(),
});

/** Wrapped as in the action's document, so that a fault is named by its place there. */
const annotated = z.object({ annotations: z.object({ [POLICY_ANNOTATION]: policy }) });

/**
 * What an action's annotations say about how it is run; a choice that they leave out is absent.
 * @throws CatalogError `bad_annotation` when the annotation `seuss` is malformed
 */
export function policyOf(annotations: readonly KeyValue[]): Partial<ActionPolicy> {
  const annotation = annotations.find(({ key }) => key === POLICY_ANNOTATION);
  if (annotation === undefined) return {};
  const { success, data, error } = annotated.safeParse({
    annotations: { [POLICY_ANNOTATION]: policyDocument(annotation.value) },
  });
  if (!success) throw new CatalogError('bad_annotation', faultsIn(error, 'the annotations'));
  const { state, specialize, warmup } = data.annotations[POLICY_ANNOTATION];
  return {
    ...(state !== undefined && { startsFrom: state }),
    ...(specialize !== undefined && { specialize }),
    ...(warmup !== undefined && { warmup }),
  };
}

/** The annotation's value, in which arguments are texts. */
function policyDocument(value: JsonText): unknown {
  if (!value.isObject) return value.value();
  return Object.fromEntries(
    Array.from(membersOf(value), ([name, member]) => {
      if (name === 'specialize' && member.isArray) return [name, itemsOf(member)];
      return [name, name === 'warmup' && member.isObject ? warmupDocument(member) : member.value()];
    }),
  );
}

function warmupDocument(value: JsonText): object {
  return Object.fromEntries(
    Array.from(membersOf(value), ([name, member]) => [name, name === 'args' ? member : member.value()]),
  );
}

/** The annotation that an action of this policy would have been put with, if it needs one. */
export function policyAnnotation({ startsFrom, specialize, warmup }: ActionPolicy): KeyValue[] {
  if (startsFrom === DEFAULT_POLICY.startsFrom && specialize.length === 0 && warmup === undefined) return [];
  const value = {
    state: startsFrom,
    specialize: specialize.map(argumentsText),
    ...(warmup !== undefined && { warmup: { ...warmup, args: argumentsText(warmup.args) } }),
  };
  return [{ key: POLICY_ANNOTATION, value: JsonText.parse(printJson(value)) }];
}
