import type { Attack } from './attack.ts';
import { CLIENT_ATTACKS } from './attacks/clients.ts';
import { MEMORY_ATTACKS } from './attacks/memory.ts';
import { OUTPUT_ATTACKS } from './attacks/output.ts';
import { PROGRAM_ATTACKS } from './attacks/programs.ts';
import { TIME_ATTACKS } from './attacks/time.ts';

/** All ways to do harm that are known. */
export const ATTACKS: readonly Attack[] = [
  ...OUTPUT_ATTACKS,
  ...MEMORY_ATTACKS,
  ...TIME_ATTACKS,
  ...PROGRAM_ATTACKS,
  ...CLIENT_ATTACKS,
];
