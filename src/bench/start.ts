import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import type { StartPath } from '../contract/activation.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { BenchCase } from './cases.ts';
import { runPlain } from './plain-process.ts';
import { type Summary, summarize } from './statistics.ts';

export interface StartRuns {
  readonly cold: number;
  readonly warm: number;
  readonly hot: number;
  readonly plain: number;
}

export interface StartResult {
  readonly name: string;
  readonly kind: string;
  readonly anticipate: boolean;
  /** Milliseconds from `invoke` to its answer. */
  readonly cold: Summary;
  readonly warm: Summary;
  readonly hot: Summary;
  /** Memory that the function's snapshot holds by itself. */
  readonly snapshotBytes: number;
}

export interface PlainResult {
  readonly name: string;
  readonly kind: string;
  /** Milliseconds from the spawn of a process to its answer. */
  readonly plain: Summary;
}

/**
 * Between two starts, as on a machine that is idle when a request comes; the node then readies
 * itself for the next.
 */
const PAUSE_MS = 20;
/** A few seconds of service: by then V8 has optimised the node's own code. */
const REHEARSAL_STARTS = 300;
const REHEARSAL_HOT = 20_000;
/** By then a snapshot is compact, if it ever will be. */
const COMPACTION_MS = 1000;
/**
 * A machine's bad moments last for a tenth of a second: hot runs, which are over sooner, are spread
 * over longer.
 */
const HOT_BATCH = 200;
const HOT_PAUSE_MS = 250;
/** So often a start of the wanted kind is tried again when the node took another path. */
const ATTEMPTS = 5;

export async function measureStarts(
  node: ComputeNode,
  packager: Packager,
  subject: BenchCase,
  runs: StartRuns,
  anticipate: boolean,
): Promise<StartResult> {
  const action = await packager.fromPath(subject.path, { kind: subject.kind });
  const cold: number[] = [];
  for (let run = 0; run < runs.cold; run++) {
    const fresh = variant(action, run);
    await pause(PAUSE_MS);
    cold.push(await timed(node, fresh, 'cold', () => node.forget(fresh)));
    await node.forget(fresh);
  }
  await invoke(node, action);
  const warm: number[] = [];
  for (let run = 0; run < runs.warm; run++) {
    await node.dropIdle(action);
    await pause(PAUSE_MS);
    warm.push(await timed(node, action, 'warm', () => node.dropIdle(action)));
  }
  const hot: number[] = [];
  for (let run = 0; run < runs.hot; run++) {
    if (run % HOT_BATCH === HOT_BATCH - 1) await pause(HOT_PAUSE_MS);
    hot.push(await timed(node, action, 'hot', async () => undefined));
  }
  const snapshotBytes = await ownBytes(node, action);
  await node.forget(action);
  return {
    name: subject.name,
    kind: subject.kind,
    anticipate,
    cold: summarize(cold),
    warm: summarize(warm),
    hot: summarize(hot),
    snapshotBytes,
  };
}

/**
 * The node's own code is compiled as it runs, and a node in service has run for a while: on no
 * function that is measured.
 */
export async function rehearse(node: ComputeNode, packager: Packager, subject: BenchCase): Promise<void> {
  const action = await packager.fromPath(subject.path, { kind: subject.kind });
  for (let start = 0; start < REHEARSAL_STARTS; start++) {
    const fresh = variant(action, -1 - start);
    await invoke(node, fresh);
    await node.dropIdle(fresh);
    await invoke(node, fresh);
    await node.forget(fresh);
  }
  const last = variant(action, -1 - REHEARSAL_STARTS);
  for (let run = 0; run < REHEARSAL_HOT; run++) await invoke(node, last);
  await node.forget(last);
}

/** Of its snapshot, in the form that it is kept in once a core was idle. */
async function ownBytes(node: ComputeNode, action: Action): Promise<number> {
  const own = () => node.stats().snapshots.find(({ kind, of }) => kind === 'function' && of === action.name);
  for (let wait = 0; wait < COMPACTION_MS && own()?.compact === false; wait += PAUSE_MS) {
    await pause(PAUSE_MS);
  }
  return own()?.ownBytes ?? 0;
}

export async function measurePlain(subject: BenchCase, runs: StartRuns): Promise<PlainResult> {
  const samples: number[] = [];
  for (let run = 0; run <= runs.plain; run++) {
    const { ms } = await runPlain(subject.interpreter, subject.path);
    if (run > 0) samples.push(ms);
  }
  return { name: subject.name, kind: subject.kind, plain: summarize(samples) };
}

/** The same code as a function that the node has never seen: the digest is what it goes by. */
export function variant(action: Action, run: number): Action {
  const digest = createHash('sha256').update(`${action.digest}/${run}`).digest('hex');
  return { ...action, name: `${action.name}-${run}`, digest };
}

async function timed(
  node: ComputeNode,
  action: Action,
  path: StartPath,
  prepare: () => Promise<void>,
): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const activation = await invoke(node, action);
    if (activation.path === path) return activation.timings.totalMs;
    await prepare();
  }
  throw new PlatformError('wrong_path', `${action.name} did not take the ${path} path`);
}

async function invoke(node: ComputeNode, action: Action) {
  const activation = await node.invoke(action, {});
  if (activation.status !== 'success') {
    throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(activation.result)}`);
  }
  return activation;
}
