import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import { type ComputeNode, PlatformError, START_STATES, type StartState } from '../node/types.ts';
import type { BenchCase } from './cases.ts';
import { descendantsCpuMs } from './processor-time.ts';
import { type Summary, summarize } from './statistics.ts';

export interface StateResult {
  readonly kind: string;
  readonly state: StartState;
  /** Milliseconds from `invoke` to its answer. */
  readonly start: Summary;
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
  for (const state of START_STATES) {
    const action = await packager.fromPath(subject.path, { kind: subject.kind, policy: { state } });
    const invoke = async () => {
      const { status, result, timings } = await node.invoke(action, {});
      if (status !== 'success') {
        throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(result)}`);
      }
      await pause(PAUSE_MS);
      return timings;
    };
    for (let run = 0; run < WARM_UP_RUNS; run++) await invoke();
    const before = descendantsCpuMs();
    const timings = [];
    for (let run = 0; run < runs; run++) timings.push(await invoke());
    const resets = timings.flatMap(({ resetMs }) => resetMs ?? []);
    results.push({
      kind: subject.kind,
      state,
      start: summarize(timings.map(({ totalMs }) => totalMs)),
      reset: resets.length === 0 ? undefined : summarize(resets),
      cpuMs: (descendantsCpuMs() - before) / runs,
    });
    await node.forget(action);
  }
  return results;
}
