import type { Command } from 'commander';
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../node/types.ts';
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

const jsonObject = z.record(z.string(), z.json());

const specialization = z.object({
  fixed: jsonObject,
  origin: z.string(),
  state: z.string(),
  snapshot: z.string().nullable(),
  reason: z.string().optional(),
  observed: z.array(z.string()),
});
type Specialization = z.infer<typeof specialization>;

const actionDocument = z.object({
  annotations: z.array(z.object({ key: z.string(), value: z.json() })),
  specializations: z.array(specialization).default([]),
});
type ActionDocument = z.infer<typeof actionDocument>;

export function actionCommand(program: Command): void {
  const action = program.command('action').summary('change how a running node runs an action');
  const specialize = action
    .command('specialize')
    .summary('let invocations start half-way through the function')
    .description(
      'Adds an argument snapshot: invocations with these arguments start where the function first needs another one. Without arguments, shows those that there are.',
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
  if (!isObject(fixed)) throw new UsageError('The arguments to fix are an object.');
  const adds = Object.keys(fixed).length > 0;
  if (adds || flags.clear) {
    const before = policyOf(await client.request('GET', `${path}?code=false`, actionDocument));
    const kept = flags.clear || !Array.isArray(before.specialize) ? [] : before.specialize;
    const value = { ...before, specialize: adds ? [...kept, fixed] : kept };
    await client.request('PUT', `${path}?overwrite=true`, actionDocument, {
      annotations: [{ key: POLICY, value }],
    });
  }
  const { specializations } = await client.request('GET', `${path}?code=false`, actionDocument);
  console.log(flags.json ? JSON.stringify(specializations) : table(specializations));
}

function policyOf({ annotations }: ActionDocument): JsonObject {
  const policy = annotations.find(({ key }) => key === POLICY)?.value;
  return policy !== undefined && isObject(policy) ? policy : {};
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function table(specializations: readonly Specialization[]): string {
  if (specializations.length === 0) return 'no argument snapshots';
  return specializations.map(describe).join('\n');
}

/** `{"model":"small"}  ready  4dc70a580440f5ba  (used before: time: Date.now)` */
function describe({ fixed, origin, state, snapshot, reason, observed }: Specialization): string {
  const what = origin === 'checkpoint' ? 'checkpoint()' : JSON.stringify(fixed);
  const used = observed.length > 0 ? `(used before: ${observed.join(', ')})` : undefined;
  return [what, state, snapshot, reason, used].filter((part) => part != null).join('  ');
}
