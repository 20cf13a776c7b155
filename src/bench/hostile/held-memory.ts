import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { processTree } from '../process-tree.ts';

/** What a node holds of the host, all its processes together. */
export interface Held {
  readonly bytes: number;
  readonly processes: number;
}

/**
 * Anonymous pages and page tables of a process and all that descend from it, and the blocks of the
 * memory files that any of them has open: what is shared between them counts once where the kernel
 * tells, in files.
 */
export function heldBy(root: number): Held {
  const pids = processTree(root);
  const files = new Map<string, number>();
  let bytes = 0;
  for (const pid of pids) {
    bytes += anonymousBytes(pid);
    addMemoryFiles(pid, files);
  }
  for (const fileBytes of files.values()) bytes += fileBytes;
  return { bytes, processes: pids.length };
}

function anonymousBytes(pid: number): number {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return field('RssAnon') + field('VmPTE');
}

/** memfd_create(2): named `/memfd:…`, without a name in any file system. */
function addMemoryFiles(pid: number, files: Map<string, number>): void {
  const folder = `/proc/${pid}/fd`;
  for (const fd of attempt(() => readdirSync(folder)) ?? []) {
    const path = `${folder}/${fd}`;
    if (!attempt(() => readlinkSync(path))?.startsWith('/memfd:')) continue;
    const status = attempt(() => statSync(path));
    if (status !== undefined) files.set(`${status.dev}:${status.ino}`, status.blocks * 512);
  }
}

/** Undefined when the process has ended meanwhile, or is another user's. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
