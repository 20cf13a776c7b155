import { randomFillSync } from 'node:crypto';

/** As the driver protocol has it. */
const SEED_BYTES = 64;
/** Drawn from the host at once: a draw for each start would cost a system call. */
const POOL_SEEDS = 64;

const pool = Buffer.alloc(SEED_BYTES * POOL_SEEDS);
let used = POOL_SEEDS;

/** 64 fresh random bytes in hex for a UC that was just deployed. Handed out once, then wiped here. */
export function nextSeed(): string {
  if (used === POOL_SEEDS) {
    randomFillSync(pool);
    used = 0;
  }
  const seed = pool.subarray(used * SEED_BYTES, (used + 1) * SEED_BYTES);
  used += 1;
  const text = seed.toString('hex');
  seed.fill(0);
  return text;
}
