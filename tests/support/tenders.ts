import { readFileSync } from 'node:fs';
import { alive, descendants, parentOf } from './processes.ts';

/**
 * Processes of a node's tenders below `root` that are no contexts, by their distance from it: what the node has started comes
 * first, what makes contexts last.
 */
export function tenderProcesses(root = process.pid): number[][] {
  const all = descendants(root).filter((pid) => isTender(pid) && alive(pid));
  const levels: number[][] = [];
  let above = [root];
  while (above.length > 0) {
    above = all.filter((pid) => above.includes(parentOf(pid) ?? 0)).sort((a, b) => a - b);
    levels.push(above);
  }
  return levels.filter((level) => level.length > 0);
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
  const tender = new Set(tenderProcesses(root).flat());
  const contexts = descendants(root).filter((pid) => tender.has(parentOf(pid) ?? 0) && !tender.has(pid));
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
