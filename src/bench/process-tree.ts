import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Process ids by that of their parent, as /proc has them now. */
export function childrenOfAll(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  return children;
}

export function descendants(pid: number, children: ReadonlyMap<number, number[]>): number[] {
  const own = children.get(pid) ?? [];
  return [...own, ...own.flatMap((child) => descendants(child, children))];
}

/** A process and all that descend from it. */
export function processTree(root: number): number[] {
  const direct = childrenOf(root);
  if (direct === undefined) return [root, ...descendants(root, childrenOfAll())];
  return [root, ...direct.flatMap(processTree)];
}

/**
 * As the kernel lists them, which spares a look at all processes (proc_pid_task(5)); undefined
 * where it does not.
 */
function childrenOf(pid: number): number[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return existsSync('/proc/thread-self/children') ? [] : undefined;
  }
}

/** Undefined when the process is gone. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it, in parentheses, may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** Whether it is on a processor, or waits for one. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] === 'R';
  } catch {
    return false;
  }
}
