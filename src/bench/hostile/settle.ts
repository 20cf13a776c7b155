import { setTimeout as pause } from 'node:timers/promises';
import { treeCpuMs } from '../processor-time.ts';
import { heldBy } from './held-memory.ts';
import type { Server } from './server.ts';

const POLL_MS = 500;
/** A node with nothing to do uses less of a processor than this. */
const QUIET_SHARE = 0.2;

/** True as soon as a node and its contexts use next to no processor time; false if they still do after the deadline. */
export async function becomesQuiet(pid: number, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const begun = performance.now();
    const before = treeCpuMs(pid);
    await pause(POLL_MS);
    const share = (treeCpuMs(pid) - before) / (performance.now() - begun);
    if (share < QUIET_SHARE) return true;
    if (performance.now() > end) return false;
  }
}

/** What a node holds when its garbage is collected: as soon as that is at most `wantedBytes`, or after the deadline. */
export async function heldInTheEnd(server: Server, wantedBytes: number, deadlineMs: number): Promise<number> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    server.collectGarbage();
    await pause(POLL_MS);
    const { bytes } = heldBy(server.pid);
    if (bytes <= wantedBytes || performance.now() > end) return bytes;
  }
}
