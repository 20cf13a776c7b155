import { readFileSync } from 'node:fs';
import { alive, descendants, parentOf } from './processes.ts';

/**
 * One for each core: what the node has started, the tender in it, and what the tender has its
 * contexts made by.
 */
export interface TenderProcesses {
  readonly outer: number[];
  readonly tenders: number[];
  readonly zygotes: number[];
}

/** Processes of the tenders below `root`, where the host grants namespaces. */
export function tenderProcesses(root = process.pid): TenderProcesses {
  const all = descendants(root).filter((pid) => isTender(pid) && alive(pid));
  // The zygote is a tender's first child; templates come later.
  const firstChild = (of: number): number[] =>
    inOrderOfBirth(of)
      .filter((pid) => all.includes(pid))
      .slice(0, 1);
  const outer = all.filter((pid) => parentOf(pid) === root).sort((a, b) => a - b);
  const tenders = outer.flatMap(firstChild);
  return { outer, tenders, zygotes: tenders.flatMap(firstChild) };
}

/**
 * Children of a process with one thread, the oldest first, as the kernel lists them: the numbers of
 * processes begin anew.
 */
function inOrderOfBirth(of: number): number[] {
  try {
    return readFileSync(`/proc/${of}/task/${of}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** A context has neither arguments nor memory that they could lie in. */
function isTender(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('seuss-tender');
  } catch {
    return false;
  }
}

/** The context below `root` that has taken most processor time. */
export function busiestContext(root = process.pid): number {
  const { tenders } = tenderProcesses(root);
  const contexts = descendants(root).filter((pid) => tenders.includes(parentOf(pid) ?? 0) && !isTender(pid));
  return contexts.reduce((best, pid) => (cpuTicks(pid) > cpuTicks(best) ? pid : best));
}

function cpuTicks(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return -1;
  }
}
