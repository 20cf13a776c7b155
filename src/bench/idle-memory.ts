import { readFileSync } from 'node:fs';
import type { Packager } from '../action/packager.ts';
import type { Action, ComputeNode, UcMemory } from '../node/types.ts';
import { benchFunction, interpreterOf } from './cases.ts';

export interface IdleResult {
  readonly kind: string;
  /** An idle UC of a NOP function, by the kernel's account of its process. */
  readonly own: UcMemory;
  /** How many idle UCs the host's figure was taken over. */
  readonly idleUcs: number;
  /** Growth of all memory that the host has in use, for each of these UCs: kernel objects included. */
  readonly hostBytes: number;
}

const SUBJECTS = [
  { kind: 'nodejs:24', nop: 'nop.cjs', wait: 'wait.cjs' },
  { kind: 'python:3.11', nop: 'nop.py', wait: 'wait.py' },
];
/** Invocations that overlap for so long leave a UC each behind. */
const OVERLAP_MS = 1500;
const SETTLE_MS = 500;

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
    results.push({ kind, own, ...host });
  }
  return results;
}

async function ownMemory(node: ComputeNode, action: Action): Promise<UcMemory> {
  await node.invoke(action, {});
  await node.dropIdle(action);
  await node.invoke(action, {});
  const memory = await node.idleMemory(action);
  await node.forget(action);
  return memory;
}

async function hostMemory(
  node: ComputeNode,
  action: Action,
  count: number,
): Promise<{ idleUcs: number; hostBytes: number }> {
  await node.invoke(action, {});
  const before = { bytes: await bytesInUse(), idle: node.stats().idleUcs };
  await Promise.all(Array.from({ length: count }, () => node.invoke(action, { ms: OVERLAP_MS })));
  const idleUcs = node.stats().idleUcs - before.idle;
  const grown = (await bytesInUse()) - before.bytes;
  await node.forget(action);
  return { idleUcs, hostBytes: idleUcs > 0 ? grown / idleUcs : 0 };
}

/** Memory that programs and the kernel hold, page cache of files left out (proc_meminfo(5)). */
async function bytesInUse(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const text = readFileSync('/proc/meminfo', 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return (
    field('MemTotal') -
    field('MemFree') -
    field('Buffers') -
    field('Cached') -
    field('SReclaimable') +
    field('Shmem')
  );
}
