import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Core } from '../../src/cores/cores.ts';
import { FunctionUc } from '../../src/node/function/function-record.ts';
import { Demoter } from '../../src/node/idle/demoter.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { idleCores, OWNER, record } from '../support/node-parts.ts';

const SWEEP_MS = 250;

/** As many idle UCs of functions of their own on one core, and how many of them have a process. */
function fill(count: number, short = () => false) {
  const [core] = idleCores(1) as [Core];
  const pool = new IdlePool();
  const asked: number[] = [];
  mock.method(core.tender, 'demote', async (id: number) => {
    asked.push(id);
    return { remainsBytes: 1, pages: 0, ownPages: 0, stopNs: 0 };
  });
  for (let id = 1; id <= count; id++) {
    pool.put(new FunctionUc(id, core, OWNER, record(`f${id}`)));
  }
  return { core, pool, asked, demoter: new Demoter(pool, [core], short) };
}

/** Each demotion follows the one before. */
async function settle(asked: readonly number[]): Promise<void> {
  for (let before = -1; before !== asked.length; ) {
    before = asked.length;
    await turn();
  }
}

describe('demoter', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.reset());

  it('leaves the contexts of a busy core alone up to a bound', async () => {
    const { core, pool, asked, demoter } = fill(600);
    core.active = 1;
    demoter.note(core);
    await settle(asked);
    mock.timers.tick(SWEEP_MS);
    await settle(asked);
    assert.equal(pool.live(core).size, 512);
    assert.deepEqual(asked.slice(0, 3), [1, 2, 3]);
    demoter.stop();
  });

  it('demotes those beyond half of it in the next pause', async () => {
    const { core, pool, asked, demoter } = fill(500);
    core.active = 1;
    demoter.note(core);
    await settle(asked);
    assert.equal(asked.length, 0);
    core.active = 0;
    mock.timers.tick(SWEEP_MS);
    await settle(asked);
    assert.equal(pool.live(core).size, 256);
    assert.equal(pool.demoted, 244);
    demoter.stop();
  });

  it('demotes all but the last used ones when memory is short, on a busy core too', async () => {
    let short = false;
    const { core, pool, asked, demoter } = fill(100, () => short);
    core.active = 1;
    demoter.note(core);
    await settle(asked);
    assert.equal(asked.length, 0);
    short = true;
    demoter.note(core);
    await settle(asked);
    assert.deepEqual([asked.length, asked[0], pool.live(core).size], [68, 1, 32]);
    demoter.stop();
  });
});
