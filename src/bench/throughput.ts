import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import { type Action, STARTS_FROM, type StartsFrom } from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { BenchCase } from './cases.ts';

/**
 * Answers per second on all cores, by what each invocation starts from; of `fresh`, that is deploys
 * per second.
 */
export interface ThroughputResult {
  readonly kind: string;
  readonly perSecond: Readonly<Record<StartsFrom, number>>;
}

/** Clients that each send the next request when they have the answer. */
export const CLIENTS = 16;
/** The best counts: others use the machine, too. */
const ROUNDS = 3;
/** Between two rounds the node readies templates. */
const PAUSE_MS = 20;

export async function measureThroughput(
  node: ComputeNode,
  packager: Packager,
  subject: BenchCase,
  runs: number,
): Promise<ThroughputResult> {
  const perSecond: Record<StartsFrom, number> = { reuse: 0, reset: 0, fresh: 0 };
  for (const state of STARTS_FROM) {
    const action = await packager.fromPath(subject.path, {
      kind: subject.kind,
      policy: { startsFrom: state },
    });
    await invokeAll(node, action, CLIENTS);
    for (let round = 0; round < ROUNDS; round++) {
      await pause(PAUSE_MS);
      const begun = performance.now();
      await invokeAll(node, action, runs);
      perSecond[state] = Math.max(perSecond[state], runs / ((performance.now() - begun) / 1000));
    }
    await node.forget(action);
  }
  return { kind: subject.kind, perSecond };
}

async function invokeAll(node: ComputeNode, action: Action, runs: number): Promise<void> {
  let left = runs;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const { status, result } = await node.invoke(action, {});
      if (status !== 'success') {
        throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(result)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
