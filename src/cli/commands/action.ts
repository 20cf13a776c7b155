import type { Command } from 'commander';
import { z } from 'zod';
import { itemsOf, JsonText, membersOf, objectOf } from '../../json/json-text.ts';
import { printJson } from '../../json/print.ts';
import { userValue } from '../answers.ts';
import { ApiClient } from '../api-client.ts';
import { resolveTarget, type TargetFlags, targetOptions } from '../api-target.ts';
import { UsageError } from '../errors.ts';
import { collect, parseParams } from '../options.ts';

interface SpecializeFlags extends TargetFlags {
  readonly param?: readonly string[];
  readonly params?: string;
  readonly clear?: true;
  readonly json?: true;
}

const POLICY = 'seuss';

const halfwayPoint = z.object({
  fixed: userValue,
  origin: z.string(),
  state: z.string(),
  snapshot: z.string().nullable(),
  reason: z.string().optional(),
  observed: z.array(z.string()),
});
type HalfwayPoint = z.infer<typeof halfwayPoint>;

const actionDocument = z.object({
  annotations: z.array(z.object({ key: z.string(), value: userValue })),
  specializations: z.array(halfwayPoint).default([]),
});
type ActionDocument = z.infer<typeof actionDocument>;

export function actionCommand(program: Command): void {
  const action = program.command('action').summary('change how a running node runs an action');
  const specialize = action
    .command('specialize')
    .summary('let invocations start half-way through the function')
    .description(
      'Adds an argument snapshot: invocations with these arguments start where the function first ' +
        'needs another one. Without arguments, shows those that there are.',
    )
    .argument('<name>', 'action, in the namespace of the key')
    .option(
      '-p, --param <key> <value>',
      'one argument to fix; a value that is JSON is taken as JSON',
      collect,
    )
    .option('--params <json>', 'all arguments to fix as JSON, or @FILE')
    .option('--clear', 'drop those that there are first')
    .option('--json', 'print what the node says of them');
  targetOptions(specialize).action(specializeAction);
}

async function specializeAction(name: string, flags: SpecializeFlags): Promise<void> {
  const client = new ApiClient(resolveTarget(flags));
  const path = `/api/v1/namespaces/_/actions/${encodeURIComponent(name)}`;
  const fixed = parseParams(flags.params, flags.param ?? []);
  if (!fixed.isObject) throw new UsageError('The arguments to fix are an object.');
  const adds = membersOf(fixed).size > 0;
  if (adds || flags.clear) {
    const before = policyOf(await client.request('GET', `${path}?code=false`, actionDocument));
    const declared = before.get('specialize');
    const kept = flags.clear || declared?.isArray !== true ? [] : itemsOf(declared);
    before.set('specialize', JsonText.parse(printJson(adds ? [...kept, fixed] : kept)));
    await client.request('PUT', `${path}?overwrite=true`, actionDocument, {
      annotations: [{ key: POLICY, value: objectOf(before) }],
    });
  }
  const { specializations } = await client.request('GET', `${path}?code=false`, actionDocument);
  console.log(flags.json ? printJson(specializations) : table(specializations));
}

function policyOf({ annotations }: ActionDocument): Map<string, JsonText> {
  const policy = annotations.find(({ key }) => key === POLICY)?.value;
  return policy?.isObject === true ? membersOf(policy) : new Map();
}

function table(specializations: readonly HalfwayPoint[]): string {
  if (specializations.length === 0) return 'no argument snapshots';
  return specializations.map(describe).join('\n');
}

/** `{"model":"small"}  ready  4dc70a580440f5ba  (used before: time: Date.now)` */
function describe({ fixed, origin, state, snapshot, reason, observed }: HalfwayPoint): string {
  const what = origin === 'checkpoint' ? 'checkpoint()' : fixed.text;
  const used = observed.length > 0 ? `(used before: ${observed.join(', ')})` : undefined;
  return [what, state, snapshot, reason, used].filter((part) => part != null).join('  ');
}
