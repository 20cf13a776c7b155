import { setTimeout as pause } from 'node:timers/promises';
import { heldBy } from './held-memory.ts';

const SAMPLE_MS = 100;

/**
 * Looks at what a node holds for as long as `work` takes.
 * @param pid of the node
 */
export async function peakDuring<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly peakBytes: number; readonly done: T }> {
  let ended = false;
  let peakBytes = 0;
  const look = async (): Promise<void> => {
    while (!ended) {
      peakBytes = Math.max(peakBytes, heldBy(pid).bytes);
      await pause(SAMPLE_MS);
    }
  };
  const looking = look();
  try {
    const done = await work();
    return { done, peakBytes };
  } finally {
    ended = true;
    await looking;
  }
}
