import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, FunctionUc } from '../../src/node/function/function-record.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { idleCores, OWNER, record } from '../support/node-parts.ts';

describe('idle pool', () => {
  const fill = (pool: IdlePool, core: Core, of: FunctionRecord, ids: readonly number[]): void => {
    for (const id of ids) {
      pool.put(new FunctionUc(id, core, OWNER, of));
    }
  };

  it('gives the last used UC of a function, and evicts the oldest of the longest unused function', () => {
    const [idle, cores] = [new IdlePool(), idleCores(1)];
    const core = cores[0] as Core;
    const [f, g] = [record('f'), record('g')];
    fill(idle, core, f, [1, 2, 3]);
    fill(idle, core, g, [4]);
    fill(idle, core, f, [5]);
    assert.equal(idle.take(f)?.id, 5);
    assert.equal(idle.takeOldest()?.id, 4);
    assert.equal(idle.takeOldest()?.id, 1);
    assert.equal(idle.count, 2);
  });

  it('prefers a UC on a less busy core', () => {
    const [idle, cores] = [new IdlePool(), idleCores(2)];
    const f = record('f');
    fill(idle, cores[0] as Core, f, [1]);
    fill(idle, cores[1] as Core, f, [2]);
    (cores[1] as Core).active = 3;
    assert.equal(idle.take(f)?.id, 1);
  });

  it('takes a UC with a process first, and keeps apart what has none', () => {
    const [idle, cores] = [new IdlePool(), idleCores(1)];
    const core = cores[0] as Core;
    const f = record('f');
    const ucs = [1, 2, 3].map((id) => new FunctionUc(id, core, OWNER, f)) as [
      FunctionUc,
      FunctionUc,
      FunctionUc,
    ];
    for (const uc of ucs) {
      idle.put(uc);
    }
    idle.setIdleBytes(f, 1000);
    idle.setDemoted(ucs[2]);
    idle.setRemainsBytes(ucs[2], 10);
    idle.setDemoted(ucs[0]);
    assert.deepEqual([idle.count, idle.demoted, idle.bytes, idle.live(core).size], [3, 2, 2010, 1]);
    idle.setLive(ucs[0]);
    assert.deepEqual([idle.count, idle.demoted, idle.bytes, idle.live(core).size], [3, 1, 2010, 1]);
    assert.deepEqual([idle.take(f)?.id, idle.take(f)?.id, idle.take(f)], [2, 1, undefined]);
    assert.equal(
      idle.takeDemoted(f, () => false),
      undefined,
    );
    assert.equal(idle.takeDemoted(f, () => true)?.id, 3);
    idle.setRemainsBytes(ucs[2], 99);
    idle.setLive(ucs[2]);
    assert.deepEqual([idle.count, idle.demoted, idle.bytes], [0, 0, 0]);
  });

  it('keeps its account of bytes right', () => {
    const [idle, cores] = [new IdlePool(), idleCores(1)];
    const f = record('f');
    fill(idle, cores[0] as Core, f, [1, 2, 3]);
    idle.setIdleBytes(f, 1000);
    assert.equal(idle.bytes, 3000);
    idle.take(f);
    assert.equal(idle.bytes, 2000);
    assert.equal(idle.takeAll(f).length, 2);
    assert.equal(idle.bytes, 0);
  });
});
