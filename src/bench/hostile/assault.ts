import type { Attack } from './attack.ts';
import type { Attacker } from './attacker.ts';

/** What came of an attack that went on for a while. */
export interface Assault {
  /** So often harm was tried. */
  readonly goes: number;
  /** What was not as it must be, the first few of each kind. */
  readonly faults: readonly string[];
}

/** How long an attack goes on. */
export interface AssaultOrder {
  readonly forMs: number;
  /** Of earlier assaults of the same attacker. */
  readonly firstRound: number;
}

const FAULTS_TOLD = 5;

/** Attacks with all of the attack's clients until the time is over, and for as many goes as it takes. */
export async function assault(
  attack: Attack,
  attacker: Attacker,
  { forMs, firstRound }: AssaultOrder,
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
  await Promise.all(Array.from({ length: attack.clients ?? 1 }, client));
  return { goes, faults: [...faults] };
}
