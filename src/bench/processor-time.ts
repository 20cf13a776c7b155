import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the time of ended children in hundredths of a second. */
const MS_PER_TICK = 10;

interface Ancestry {
  readonly parent: number;
  readonly endedChildrenMs: number;
}

/**
 * Milliseconds of processor time that the descendants of this process have used so far, the ended
 * ones included.
 */
export function descendantsCpuMs(): number {
  const processes = new Map<number, Ancestry>();
  for (const name of readdirSync('/proc')) {
    const ancestry = /^\d+$/.test(name) ? read(() => ancestryOf(name)) : undefined;
    if (ancestry !== undefined) processes.set(Number(name), ancestry);
  }
  let sum = 0;
  for (const [pid, { endedChildrenMs }] of processes) {
    if (pid !== process.pid && descends(pid, processes)) {
      sum += endedChildrenMs + (read(() => ownMs(pid)) ?? 0);
    }
  }
  return sum;
}

function ancestryOf(pid: string): Ancestry {
  // The name, in brackets, may hold anything.
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    parent: Number(fields[1]),
    endedChildrenMs: (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK,
  };
}

function ownMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function descends(pid: number, processes: ReadonlyMap<number, Ancestry>): boolean {
  let at = processes.get(pid);
  while (at !== undefined && at.parent !== process.pid) {
    at = processes.get(at.parent);
  }
  return at !== undefined;
}

/** Undefined when the process has ended meanwhile. */
function read<T>(from: () => T): T | undefined {
  try {
    return from();
  } catch {
    return undefined;
  }
}
