import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import { type Action, STARTS_FROM, type StartsFrom } from '../contract/action.ts';
import type { ActivationTimings } from '../contract/activation.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { BenchCase } from './cases.ts';
import { descendantsCpuMs } from './processor-time.ts';
import { type Summary, summarize } from './statistics.ts';

export interface StateResult {
  readonly kind: string;
  readonly state: StartsFrom;
  /** Milliseconds from `invoke` to its answer, on a machine that has slept for a while. */
  readonly start: Summary;
  /** The same as soon as the context before it is done with: put back to its snapshot, say. */
  readonly next: Summary;
  /** Milliseconds of the reset before it, on nobody's time. */
  readonly reset: Summary | undefined;
  /** Milliseconds of processor time for each invocation, the node's own left out. */
  readonly cpuMs: number;
}

/** So that each invocation finds what the last one left, a context that was reset or a template. */
const PAUSE_MS = 20;
/** Until templates, compact snapshots and resets have come to what they stay. */
const WARM_UP_RUNS = 10;

/** What an invocation costs by what it starts from. */
export async function measureStates(
  node: ComputeNode,
  packager: Packager,
  subject: BenchCase,
  runs: number,
): Promise<StateResult[]> {
  const results: StateResult[] = [];
  for (const state of STARTS_FROM) {
    const action = await packager.fromPath(subject.path, {
      kind: subject.kind,
      policy: { startsFrom: state },
    });
    await measureRuns(node, action, WARM_UP_RUNS, () => pause(PAUSE_MS));
    const before = descendantsCpuMs();
    const timings = await measureRuns(node, action, runs, () => pause(PAUSE_MS));
    const cpuMs = (descendantsCpuMs() - before) / runs;
    const next = await measureRuns(node, action, runs, () => quiet(node));
    const resets = timings.flatMap(({ resetMs }) => resetMs ?? []);
    results.push({
      kind: subject.kind,
      state,
      start: summarize(timings.map(({ totalMs }) => totalMs)),
      next: summarize(next.map(({ totalMs }) => totalMs)),
      reset: resets.length === 0 ? undefined : summarize(resets),
      cpuMs,
    });
    await node.forget(action);
  }
  return results;
}

async function measureRuns(
  node: ComputeNode,
  action: Action,
  runs: number,
  between: () => Promise<void>,
): Promise<ActivationTimings[]> {
  const all: ActivationTimings[] = [];
  for (let run = 0; run < runs; run++) {
    await between();
    const { status, result, timings } = await node.invoke(action, {});
    if (status !== 'success') {
      throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(result)}`);
    }
    all.push(timings);
  }
  return all;
}

/** A context that is put back is busy until it is. Its tender may need this thread's core for that. */
async function quiet(node: ComputeNode): Promise<void> {
  while (node.stats().busyUcs > 0) await pause(1);
}
