import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode, NodeStats } from '../contract/node.ts';
import { benchFunction, interpreterOf } from './cases.ts';
import { bytesInUse, heapBytes, tenderMemory } from './host-memory.ts';
import { type HostResult, hostMemory } from './idle-memory.ts';
import { idleProcessBytes } from './idle-processes.ts';
import { type MachineFacts, machineFacts } from './machine.ts';
import { type Summary, summarize } from './statistics.ts';

interface DensityOptions {
  readonly packager: Packager;
  readonly kind: string;
  /** Distinct functions. */
  readonly count: number;
  /** So many of them, chosen at random, are invoked again in the end. */
  readonly sample: number;
  readonly onProgress: (message: string) => void;
}

/** Bytes for each function and its idle UC, by who holds them. */
interface DensityParts {
  /** What all memory in use on the host has grown by: everything counted. */
  readonly totalBytes: number;
  /** The function's snapshot: its own words, or pages. */
  readonly snapshotBytes: number;
  /** Heaps of the tenders: remains of demoted UCs, and the tables. */
  readonly tenderBytes: number;
  /** Heap of the node. */
  readonly nodeBytes: number;
  /** The rest: the kernel's own memory, and what processes still hold. */
  readonly otherBytes: number;
  /** Open descriptors in all tenders. */
  readonly descriptors: number;
}

interface SampleResult {
  readonly invoked: number;
  /** By the path that they took; `hot` is the UC that was idle all the time. */
  readonly paths: Readonly<Record<string, number>>;
  readonly totalMs: Summary;
}

export interface DensityReport {
  readonly machine: MachineFacts;
  readonly kind: string;
  readonly functions: number;
  /** That have a snapshot, and an idle UC, after all were invoked once. */
  readonly snapshots: number;
  readonly idleUcs: number;
  readonly demotedUcs: number;
  /** From the first invocation to the answer of the last. */
  readonly fillMs: number;
  readonly parts: DensityParts;
  readonly sample: SampleResult;
  /** Many idle UCs of one function. */
  readonly oneFunction: HostResult;
  /** An idle process of the same interpreter with the same function. */
  readonly plainProcessBytes: number;
}

const FUNCTIONS: Readonly<Record<string, { nop: string; wait: string; comment: string }>> = {
  nodejs: { nop: 'nop.cjs', wait: 'wait.cjs', comment: '//' },
  python: { nop: 'nop.py', wait: 'wait.py', comment: '#' },
};
/** Invocations at a time while the node is filled. */
const AT_ONCE = 8;
const PLAIN_PROCESSES = 10;
const ONE_FUNCTION_MAX = 500;
const QUIET_MS = 1000;
const PROGRESS_MS = 5000;

/**
 * Contexts of one function come first: later, the host's memory would tell of those that the sample
 * has left behind. Then it invokes every function of `count` distinct ones once, accounts for what
 * they hold then, and invokes a sample again.
 */
export async function runDensityBench(node: ComputeNode, options: DensityOptions): Promise<DensityReport> {
  const { packager, kind, count, onProgress } = options;
  const language = FUNCTIONS[kind.split(':')[0] ?? ''];
  const interpreter = interpreterOf(kind);
  if (language === undefined || interpreter === undefined) {
    throw new PlatformError('unknown_kind', `there is no interpreter of ${kind} on this host`);
  }
  const machine = machineFacts();
  const path = benchFunction(language.nop);
  onProgress(`starting ${PLAIN_PROCESSES} plain processes`);
  const plainProcessBytes = await idleProcessBytes(interpreter, path, PLAIN_PROCESSES);
  const inOne = Math.min(count, ONE_FUNCTION_MAX);
  onProgress(`measuring ${inOne} contexts of one function`);
  const one = await packager.fromPath(benchFunction(language.wait), { kind });
  const oneFunction = await hostMemory(node, one, inOne);
  await pause(QUIET_MS);
  const variant = variantsOf(await packager.fromPath(path, { kind }), language.comment);
  await invoke(node, variant(-1));
  await node.forget(variant(-1));
  const before = { ...(await held(node)), stats: node.stats() };
  const begun = performance.now();
  await fill(node, variant, count, onProgress);
  const fillMs = performance.now() - begun;
  onProgress('waiting until the node has settled');
  await settle(node, variant, count);
  const after = await held(node);
  const stats = node.stats();
  onProgress('invoking a sample');
  const sample = await invokeSample(node, variant, options);
  return {
    machine,
    kind,
    functions: count,
    snapshots: functionSnapshots(stats) - functionSnapshots(before.stats),
    idleUcs: stats.idleUcs - before.stats.idleUcs,
    demotedUcs: stats.demotedUcs - before.stats.demotedUcs,
    fillMs,
    parts: perFunction(before, after, count),
    sample,
    oneFunction,
    plainProcessBytes,
  };
}

/** Code that differs, so that nothing of one function can serve another. */
function variantsOf(action: Action, comment: string): (number: number) => Action {
  const { code } = action;
  if (code.type !== 'source') {
    throw new PlatformError('bench_failed', `${action.name} is not a single file`);
  }
  return (number) => ({
    ...action,
    name: `density/${number}`,
    code: { ...code, source: `${code.source}${comment} ${number}\n` },
    digest: createHash('sha256').update(`${action.digest}/${number}`).digest('hex'),
  });
}

async function invoke(node: ComputeNode, action: Action) {
  const activation = await node.invoke(action, {});
  if (activation.status !== 'success') {
    throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(activation.result)}`);
  }
  return activation;
}

/** @throws PlatformError `bench_failed` that says how many functions there was room for */
async function fill(
  node: ComputeNode,
  variant: (number: number) => Action,
  count: number,
  onProgress: (message: string) => void,
): Promise<void> {
  let next = 0;
  let done = 0;
  let told = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await invoke(node, variant(number));
      done += 1;
      if (performance.now() - told >= PROGRESS_MS) {
        told = performance.now();
        onProgress(`${done} of ${count} functions`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (error) {
    next = count;
    const why = error instanceof Error ? error.message : String(error);
    throw new PlatformError('bench_failed', `there was room for ${done} of ${count} functions: ${why}`, {
      remedy: 'a smaller --count, or see: seuss doctor',
      cause: error,
    });
  }
}

/** Until snapshots are kept in their final form, and idle UCs have no process. */
async function settle(node: ComputeNode, variant: (number: number) => Action, count: number): Promise<void> {
  for (let last = -1, now = unsettled(node); now !== last; now = unsettled(node)) {
    last = now;
    await pause(QUIET_MS);
  }
  for (let number = 0; number < count; number++) {
    await node.demoteIdle(variant(number));
  }
}

function unsettled(node: ComputeNode): number {
  const { idleUcs, demotedUcs, snapshots } = node.stats();
  return idleUcs - demotedUcs + snapshots.filter(({ compact }) => !compact).length;
}

interface Held {
  readonly hostBytes: number;
  readonly snapshotBytes: number;
  readonly tenderBytes: number;
  readonly nodeBytes: number;
  readonly descriptors: number;
}

async function held(node: ComputeNode): Promise<Held> {
  const nodeBytes = heapBytes();
  const { heapBytes: tenderBytes, descriptors } = tenderMemory();
  const snapshotBytes = node
    .stats()
    .snapshots.reduce((sum, { kind, ownBytes }) => sum + (kind === 'function' ? ownBytes : 0), 0);
  return { hostBytes: await bytesInUse(), snapshotBytes, tenderBytes, nodeBytes, descriptors };
}

function perFunction(before: Held, after: Held, count: number): DensityParts {
  const grown = (part: keyof Held): number => (after[part] - before[part]) / count;
  const known = grown('snapshotBytes') + grown('tenderBytes') + grown('nodeBytes');
  return {
    totalBytes: grown('hostBytes'),
    snapshotBytes: grown('snapshotBytes'),
    tenderBytes: grown('tenderBytes'),
    nodeBytes: grown('nodeBytes'),
    otherBytes: grown('hostBytes') - known,
    descriptors: grown('descriptors'),
  };
}

function functionSnapshots({ snapshots }: NodeStats): number {
  return snapshots.filter(({ kind }) => kind === 'function').length;
}

async function invokeSample(
  node: ComputeNode,
  variant: (number: number) => Action,
  { count, sample }: DensityOptions,
): Promise<SampleResult> {
  const paths: Record<string, number> = {};
  const totalMs: number[] = [];
  for (const number of chosen(count, sample)) {
    const { path, timings } = await invoke(node, variant(number));
    paths[path] = (paths[path] ?? 0) + 1;
    totalMs.push(timings.totalMs);
  }
  return { invoked: totalMs.length, paths, totalMs: summarize(totalMs) };
}

/** Distinct numbers below `count`, as many as wanted. */
function chosen(count: number, wanted: number): Set<number> {
  const numbers = new Set<number>();
  while (numbers.size < Math.min(count, wanted)) {
    numbers.add(Math.floor(Math.random() * count));
  }
  return numbers;
}
