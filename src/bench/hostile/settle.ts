import { setTimeout as pause } from 'node:timers/promises';
import { isRunning, processTree } from '../process-tree.ts';
import { heldBy } from './held-memory.ts';
import type { Server } from './server.ts';

/** A collection of a large heap takes a while on a busy machine. */
const COLLECT_MS = 2000;
const LOOKS = 6;
const LOOK_MS = 50;

/**
 * True as soon as no process of a node works all the while, or would if it had a processor; false
 * if one still does after the deadline.
 */
export async function becomesQuiet(pid: number, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    let working = processTree(pid).filter(isRunning);
    for (let look = 1; look < LOOKS && working.length > 0; look++) {
      await pause(LOOK_MS);
      working = working.filter(isRunning);
    }
    if (working.length === 0) return true;
    if (performance.now() > end) return false;
  }
}

/**
 * What a node holds when its garbage is collected: as soon as that is at most `wantedBytes`, or
 * after the deadline.
 */
export async function heldInTheEnd(server: Server, wantedBytes: number, deadlineMs: number): Promise<number> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    server.collectGarbage();
    await pause(COLLECT_MS);
    const { bytes } = heldBy(server.pid);
    if (bytes <= wantedBytes || performance.now() > end) return bytes;
  }
}
