import { setTimeout as pause } from 'node:timers/promises';
import type { Attack } from './attack.ts';
import type { Attacker } from './attacker.ts';
import { heldBy } from './held-memory.ts';

/** What came of an attack that went on for a while. */
export interface Assault {
  /** So often harm was tried. */
  readonly goes: number;
  /** What was not as it must be, the first few of each kind. */
  readonly faults: readonly string[];
  /** The most that the node and its contexts held while it went on. */
  readonly peakBytes: number;
}

const FAULTS_TOLD = 5;
const SAMPLE_MS = 100;

/**
 * Attacks with all of the attack's clients until the time is over, and for as many goes as it takes.
 * @param pid of the node
 */
export async function assault(
  attack: Attack,
  attacker: Attacker,
  pid: number,
  forMs: number,
  firstRound = 0,
): Promise<Assault> {
  const end = performance.now() + forMs;
  const faults = new Set<string>();
  let goes = 0;
  const client = async (): Promise<void> => {
    do {
      const round = firstRound + goes;
      goes += 1;
      const fault = await attack.once(attacker, round).catch((error: unknown) => String(error));
      if (fault !== undefined && faults.size < FAULTS_TOLD) faults.add(fault);
    } while (performance.now() < end || goes < (attack.goes ?? 0));
  };
  const watch = watchPeak(pid);
  try {
    await Promise.all(Array.from({ length: attack.clients ?? 1 }, client));
  } finally {
    await watch.stop();
  }
  return { goes, faults: [...faults], peakBytes: watch.peakBytes };
}

/** Looks all the while at what a node holds. */
function watchPeak(pid: number): { readonly peakBytes: number; stop(): Promise<void> } {
  let stopped = false;
  let peakBytes = 0;
  const work = async (): Promise<void> => {
    while (!stopped) {
      peakBytes = Math.max(peakBytes, heldBy(pid).bytes);
      await pause(SAMPLE_MS);
    }
  };
  const working = work();
  return {
    get peakBytes() {
      return peakBytes;
    },
    stop: async () => {
      stopped = true;
      await working;
    },
  };
}
