import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Core } from '../../src/cores/cores.ts';
import { FunctionUc } from '../../src/node/function/function-record.ts';
import { Demoter } from '../../src/node/idle/demoter.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { idleCores, OWNER, record } from '../support/node-parts.ts';

const BOUNDS = { liveMin: 3, livePerCore: 8, liveMax: 12, sweepMs: 1 };

/** As many idle UCs of functions of their own, oldest first, on one core. */
function fill(count: number, short = () => false) {
  const [core] = idleCores(1) as [Core];
  const pool = new IdlePool();
  const ucs = Array.from({ length: count }, (_, id) => new FunctionUc(id + 1, core, OWNER, record(`f${id}`)));
  for (const uc of ucs) pool.put(uc);
  const demoter = new Demoter(pool, [core], { ...BOUNDS, short });
  return { core, pool, ucs, demoter, [Symbol.dispose]: () => demoter.stop() };
}

/** So many are left with a process, and these are the last used ones. */
async function untilLive(parts: ReturnType<typeof fill>, count: number): Promise<void> {
  const { pool, core, ucs } = parts;
  while (pool.live(core).size > count) await turn();
  await rest();
  assert.deepEqual([...pool.live(core)], ucs.slice(ucs.length - count));
  assert.equal(pool.demoted, ucs.length - count);
}

/** Long enough for what would be too much: each demotion takes a few turns, and follows the one before. */
async function rest(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

describe('demoter', { timeout: 20_000 }, () => {
  it('leaves the contexts of a busy core alone up to a bound', async () => {
    using parts = fill(BOUNDS.liveMax + 5);
    parts.core.active = 1;
    parts.demoter.note(parts.core);
    await untilLive(parts, BOUNDS.liveMax);
  });

  it('demotes those beyond a lower one in the next pause', async () => {
    using parts = fill(BOUNDS.liveMax);
    parts.core.active = 1;
    parts.demoter.note(parts.core);
    await rest();
    assert.equal(parts.pool.demoted, 0);
    parts.core.active = 0;
    await untilLive(parts, BOUNDS.livePerCore);
  });

  it('demotes all but the last used ones when memory is short, on a busy core too', async () => {
    let short = false;
    using parts = fill(BOUNDS.livePerCore, () => short);
    parts.core.active = 1;
    parts.demoter.note(parts.core);
    await rest();
    assert.equal(parts.pool.demoted, 0);
    short = true;
    parts.demoter.note(parts.core);
    await untilLive(parts, BOUNDS.liveMin);
  });

  it('demotes nothing by time when it is told so', async () => {
    using parts = fill(BOUNDS.liveMax + 5);
    const asked = new Demoter(parts.pool, [parts.core], { ...BOUNDS, short: () => true, byTime: false });
    asked.note(parts.core);
    await rest();
    assert.equal(parts.pool.demoted, 0);
  });
});
