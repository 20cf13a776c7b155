import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

/** Others go before such a thread wherever they share a core: as much as before contexts. */
const NICENESS = 10;
/** What Node.js calls the threads that collect garbage and compile. */
const HELPER = 'V8Worker';
const TASKS = '/proc/self/task';

/**
 * Of the calling thread alone, whose id only /proc knows.
 * @throws Error of the host
 */
export function ownThread(): number {
  return Number(basename(readlinkSync('/proc/thread-self')));
}

/** @throws Error of the host */
export function makeWay(thread: number): void {
  setPriority(thread, NICENESS);
}

/**
 * The threads of V8 make way for whoever serves: each collection of a large heap would keep as many
 * cores for tens of milliseconds as it has threads.
 */
export function helpersMakeWay(): void {
  for (const thread of readdirSync(TASKS)) {
    try {
      if (readFileSync(`${TASKS}/${thread}/comm`, 'utf8').trim() === HELPER) makeWay(Number(thread));
    } catch {
      // It has ended, or goes on as the others do.
    }
  }
}
