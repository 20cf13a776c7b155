import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PAGE_BYTES } from '../snapshot/snapshot.ts';
import { childrenOfAll, descendants } from './process-tree.ts';

const SETTLE_MS = 500;

/** Memory that programs and the kernel hold, page cache of files left out (proc_meminfo(5)). */
export async function bytesInUse(): Promise<number> {
  await pause(SETTLE_MS);
  const text = readFileSync('/proc/meminfo', 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return (
    field('MemTotal') -
    field('MemFree') -
    field('Buffers') -
    field('Cached') -
    field('SReclaimable') +
    field('Shmem') -
    bytesFreePerCpu()
  );
}

/**
 * Free pages that each processor keeps for itself: hundreds of MiB, which no field of meminfo
 * counts as free.
 */
function bytesFreePerCpu(): number {
  const counts = readFileSync('/proc/zoneinfo', 'utf8').matchAll(/^ +count: +(\d+)/gm);
  return [...counts].reduce((pages, [, count]) => pages + Number(count), 0) * PAGE_BYTES;
}

/** Memory of this process's JavaScript heap, garbage collected first. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface TenderMemory {
  /** Private memory of the tenders: their heaps. */
  readonly heapBytes: number;
  /** Open descriptors of all tenders. */
  readonly descriptors: number;
}

/** What the tenders of this process hold. They are its descendants that have children, who have none. */
export function tenderMemory(): TenderMemory {
  const children = childrenOfAll();
  const isParent = (pid: number): boolean => (children.get(pid)?.length ?? 0) > 0;
  const tenders = descendants(process.pid, children).filter(
    (pid) => isParent(pid) && !children.get(pid)?.some(isParent),
  );
  let heap = 0;
  let descriptors = 0;
  for (const pid of tenders) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    heap += Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    descriptors += readdirSync(`/proc/${pid}/fd`).length;
  }
  return { heapBytes: heap, descriptors };
}
