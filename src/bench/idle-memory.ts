import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import type { ComputeNode, UcMemory } from '../contract/node.ts';
import { benchFunction, interpreterOf } from './cases.ts';
import { bytesInUse } from './host-memory.ts';
import { type Summary, summarize } from './statistics.ts';

export interface IdleResult {
  readonly kind: string;
  /** An idle UC of a NOP function that has its process, by the kernel's account of it. */
  readonly live: UcMemory;
  /** The same one demoted: what the tender keeps of it. */
  readonly demoted: UcMemory;
  /** Milliseconds that it takes to get it back, out of the hot start that this is a part of. */
  readonly promotion: Summary;
  readonly promotedStart: Summary;
  readonly host: HostResult;
}

/**
 * Growth of all memory that the host has in use, for each of many idle UCs of one function: kernel
 * objects included.
 */
export interface HostResult {
  readonly idleUcs: number;
  /** Right after their first use, when they have their processes. */
  readonly liveBytes: number;
  /** After the node has demoted those that it does not keep ready. */
  readonly settledBytes: number;
  readonly demotedUcs: number;
  /** So many of them answered afterwards, all at once. */
  readonly answered: number;
}

const SUBJECTS = [
  { kind: 'nodejs:24', nop: 'nop.cjs', wait: 'wait.cjs' },
  { kind: 'python:3.11', nop: 'nop.py', wait: 'wait.py' },
];
const PROMOTIONS = 50;
/** Invocations that overlap for so long leave a UC each behind. */
const OVERLAP_MS = 1000;
const OVERLAP_MS_PER_UC = 5;
const SETTLE_MS = 500;
/** The node has settled when nothing was demoted for so long. */
const QUIET_MS = 2000;

/** Memory of idle UCs, by their own accounts and by the host's. */
export async function measureIdle(
  node: ComputeNode,
  packager: Packager,
  count: number,
): Promise<IdleResult[]> {
  const results: IdleResult[] = [];
  for (const { kind, nop, wait } of SUBJECTS) {
    if (interpreterOf(kind) === undefined) continue;
    const own = await ownMemory(node, await packager.fromPath(benchFunction(nop), { kind }));
    const host = await hostMemory(node, await packager.fromPath(benchFunction(wait), { kind }), count);
    results.push({ kind, ...own, host });
  }
  return results;
}

async function ownMemory(node: ComputeNode, action: Action) {
  for (let i = 0; i < 3; i++) {
    await node.invoke(action, {});
    await pause(SETTLE_MS / 10);
    await node.dropIdle(action);
  }
  await node.invoke(action, {});
  const live = await node.idleMemory(action);
  await node.demoteIdle(action);
  const demoted = await node.idleMemory(action);
  const promotions: number[] = [];
  const starts: number[] = [];
  for (let i = 0; i < PROMOTIONS; i++) {
    await node.demoteIdle(action);
    await pause(SETTLE_MS / 25);
    const { deployMs, totalMs } = (await node.invoke(action, {})).timings;
    if (deployMs !== undefined) {
      promotions.push(deployMs);
      starts.push(totalMs);
    }
  }
  await node.forget(action);
  return { live, demoted, promotion: summarize(promotions), promotedStart: summarize(starts) };
}

/** Leaves so many idle UCs of the function behind, measures them, invokes them all and drops them. */
export async function hostMemory(node: ComputeNode, action: Action, count: number): Promise<HostResult> {
  const ms = OVERLAP_MS + count * OVERLAP_MS_PER_UC;
  const all = () => Promise.all(Array.from({ length: count }, () => node.invoke(action, { ms })));
  await node.invoke(action, {});
  const before = { bytes: await bytesInUse(), ...node.stats() };
  await all();
  const liveBytes = (await bytesInUse()) - before.bytes;
  await settled(node);
  const settledBytes = (await bytesInUse()) - before.bytes;
  const { idleUcs, demotedUcs, hot } = node.stats();
  await all();
  const answered = node.stats().hot - hot;
  await node.forget(action);
  const added = idleUcs - before.idleUcs;
  return {
    idleUcs: added,
    liveBytes: liveBytes / Math.max(1, added),
    settledBytes: settledBytes / Math.max(1, added),
    demotedUcs: demotedUcs - before.demotedUcs,
    answered,
  };
}

async function settled(node: ComputeNode): Promise<void> {
  for (let last = -1; last !== node.stats().demotedUcs; ) {
    last = node.stats().demotedUcs;
    await pause(QUIET_MS);
  }
}
