import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, FunctionUc } from '../../src/node/function/function-record.ts';
import { declaredHalfwayPoints, leadEnded } from '../../src/node/function/halfway.ts';
import type { Start } from '../../src/node/function/start.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { Dispatcher } from '../../src/node/invoke/dispatcher.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { SnapshotCache } from '../../src/snapshot/snapshot-cache.ts';
import { idleCores, OWNER, record, snapshot } from '../support/node-parts.ts';

function setUp(coreCount = 2) {
  const cores = idleCores(coreCount);
  const idle = new IdlePool();
  let lastUc = 0;
  return {
    cores,
    idle,
    dispatcher: new Dispatcher(cores, idle),
    /** The UC that a start leads to. */
    ucOf: (start: Start, of: FunctionRecord): FunctionUc =>
      start.path === 'hot' ? start.uc : new FunctionUc(++lastUc, start.core, OWNER, of),
  };
}

/** The start if there is one at once. */
function now(start: Start | Promise<Start>): Start {
  assert.ok(!(start instanceof Promise), 'the invocation has to wait');
  return start;
}

function later(start: Start | Promise<Start>): Promise<Start> {
  assert.ok(start instanceof Promise, 'the invocation did not wait');
  return start;
}

describe('dispatcher', () => {
  it('starts cold, then warm, then hot', () => {
    const { dispatcher, ucOf } = setUp();
    const f = record('f');
    const cold = now(dispatcher.acquire(f));
    assert.ok(cold.path === 'cold' && cold.leads);
    dispatcher.startDone(cold.core);
    dispatcher.coldDone(f, snapshot(2));
    const warm = now(dispatcher.acquire(f));
    assert.ok(warm.path === 'warm');
    dispatcher.startDone(warm.core);
    const uc = ucOf(warm, f);
    dispatcher.release(uc);
    const hot = now(dispatcher.acquire(f));
    assert.ok(hot.path === 'hot' && hot.uc === uc);
  });

  it('starts from an argument snapshot before all else, and lets the first that matches bring it', () => {
    const { dispatcher, ucOf } = setUp();
    const f = record('f');
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    const cold = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(cold.path === 'cold');
    dispatcher.startDone(cold.core);
    dispatcher.coldDone(f, snapshot(2));
    const uc = ucOf(cold, f);
    dispatcher.release(uc);
    const leads = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(leads.path === 'warm' && leads.leadsTo === halfway && halfway?.lead === 'starting');
    dispatcher.startDone(leads.core);
    const meanwhile = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(meanwhile.path === 'hot' && meanwhile.uc === uc);
    dispatcher.release(uc);
    const argument = snapshot(3, { kind: 'argument' });
    leadEnded(halfway, argument);
    const start = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(start.path === 'argument' && start.hold.snapshot === argument);
    assert.equal(now(dispatcher.acquire(f)).path, 'hot');
    halfway.snapshot = undefined;
    const again = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(again.path === 'warm' && again.leadsTo === halfway);
  });

  it('gives a context that comes free to who has no argument snapshot', async () => {
    const { dispatcher, ucOf } = setUp(1);
    const f = record('f');
    f.snapshot = snapshot(2);
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    assert.ok(halfway !== undefined);
    leadEnded(halfway, snapshot(3, { kind: 'argument' }));
    const starts = [now(dispatcher.acquire(f)), now(dispatcher.acquire(f))];
    const third = later(dispatcher.acquire(f, undefined, halfway));
    const fourth = later(dispatcher.acquire(f));
    const uc = ucOf(starts[0] as Start, f);
    dispatcher.release(uc);
    const hot = await fourth;
    assert.ok(hot.path === 'hot' && hot.uc === uc);
    dispatcher.startDone(uc.core);
    assert.equal((await third).path, 'argument');
  });

  it('lets who starts half-way not wait for a context that is being reset', () => {
    const { dispatcher } = setUp(1);
    const f = record('f');
    f.snapshot = snapshot(2);
    f.resetting = 1;
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    assert.ok(halfway !== undefined);
    leadEnded(halfway, snapshot(3, { kind: 'argument' }));
    later(dispatcher.acquire(f));
    assert.equal(now(dispatcher.acquire(f, undefined, halfway)).path, 'argument');
  });

  it('spreads starts over the cores', () => {
    const { dispatcher, cores } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) {
      now(dispatcher.acquire(record(name)));
    }
    assert.deepEqual(
      cores.map(({ starting, active }) => [starting, active]),
      [
        [2, 2],
        [2, 2],
      ],
    );
  });

  it('lets the same function wait for the snapshot of its first start', async () => {
    const { dispatcher } = setUp();
    const f = record('f');
    const first = now(dispatcher.acquire(f));
    const second = later(dispatcher.acquire(f));
    const other = now(dispatcher.acquire(record('g')));
    assert.equal(other.path, 'cold');
    assert.ok(first.path === 'cold');
    dispatcher.coldDone(f, snapshot(2));
    assert.equal((await second).path, 'warm');
  });

  it('lets the others start cold once the first start has failed', async () => {
    const { dispatcher } = setUp();
    const f = record('f');
    const first = now(dispatcher.acquire(f));
    const others = [later(dispatcher.acquire(f)), later(dispatcher.acquire(f))];
    assert.ok(first.path === 'cold');
    dispatcher.startDone(first.core);
    dispatcher.lost(first.core);
    dispatcher.coldDone(f, undefined);
    for (const start of await Promise.all(others)) {
      assert.ok(start.path === 'cold' && !start.leads);
    }
  });

  it('promotes a demoted UC rather than to start anew, and only within the slots of its core', async () => {
    const { dispatcher, idle, cores } = setUp(2);
    const f = record('f');
    f.snapshot = snapshot(2);
    const [first] = cores as [Core, Core];
    for (const id of [1, 2, 3]) {
      const uc = new FunctionUc(id, first, OWNER, f);
      idle.put(uc);
      idle.setDemoted(uc);
    }
    const starts = [now(dispatcher.acquire(f)), now(dispatcher.acquire(f))];
    for (const start of starts) {
      assert.ok(start.path === 'hot' && start.promote);
    }
    assert.deepEqual([first.starting, first.active, idle.demoted], [2, 2, 1]);
    const third = later(dispatcher.acquire(f));
    const other = now(dispatcher.acquire(record('g')));
    assert.ok(other.path === 'cold' && other.core !== first);
    dispatcher.startDone(first);
    const start = await third;
    assert.ok(start.path === 'hot' && start.promote && start.uc.id === 1);
    assert.equal(now(dispatcher.acquire(f)).path, 'warm');
  });

  it('hands a UC that comes free to the invocation that waits longest for its function', async () => {
    const { dispatcher, ucOf, idle } = setUp(1);
    const f = record('f');
    const first = now(dispatcher.acquire(f));
    const [second, third] = [later(dispatcher.acquire(f)), later(dispatcher.acquire(f))];
    const uc = ucOf(first, f);
    dispatcher.release(uc);
    const start = await second;
    assert.ok(start.path === 'hot' && start.uc === uc);
    dispatcher.release(uc);
    assert.equal((await third).path, 'hot');
    dispatcher.release(uc);
    assert.equal(idle.count, 1);
    assert.equal(dispatcher.active, 0);
  });

  it('lets as many wait for UCs that are being reset as there are, and no longer than it takes', async () => {
    const { dispatcher, ucOf } = setUp(1);
    const f = record('f');
    const first = now(dispatcher.acquire(f));
    const core = first.path === 'cold' ? first.core : assert.fail();
    dispatcher.startDone(core);
    dispatcher.coldDone(f, snapshot(2));
    f.resetting = 1;
    const waits = later(dispatcher.acquire(f));
    assert.equal(now(dispatcher.acquire(f)).path, 'warm');
    f.resetting = 0;
    dispatcher.release(ucOf(first, f));
    assert.equal((await waits).path, 'hot');
    f.resetting = 1;
    const another = later(dispatcher.acquire(f));
    f.resetting = 0;
    dispatcher.reconsider();
    assert.equal((await another).path, 'warm');
  });

  it('starts nothing on a core whose tender has died, and lets wait while there is no other', async () => {
    const { dispatcher, cores } = setUp(2);
    const [first, second] = cores as [Core, Core];
    first.up = false;
    const starts = [now(dispatcher.acquire(record('a'))), now(dispatcher.acquire(record('b')))];
    assert.ok(starts.every((start) => start.path === 'cold' && start.core === second));
    const waiting = later(dispatcher.acquire(record('c')));
    first.up = true;
    dispatcher.reconsider();
    const start = await waiting;
    assert.ok(start.path === 'cold' && start.core === first);
    first.up = false;
    second.up = false;
    assert.throws(
      () => dispatcher.startAtOnce(),
      (error) => error instanceof PlatformError && error.code === 'overloaded',
    );
  });

  it('lets cold starts wait while their runtime is on its way back', async () => {
    const { dispatcher } = setUp(1);
    const f = record('f');
    f.runtime.coming = Promise.resolve();
    const waiting = later(dispatcher.acquire(f));
    f.runtime.coming = undefined;
    dispatcher.reconsider();
    assert.equal((await waiting).path, 'cold');
  });

  it('bounds the starts under way and serves the queue in order', async () => {
    const { dispatcher, cores } = setUp(1);
    const order: string[] = [];
    const starts = ['a', 'b', 'c', 'd'].map((name) => ({ name, start: dispatcher.acquire(record(name)) }));
    for (const { name, start } of starts.slice(2)) {
      later(start).then(() => order.push(name));
    }
    assert.equal(dispatcher.queued, 2);
    const core = cores[0] as Core;
    for (let i = 0; i < 2; i++) {
      dispatcher.startDone(core);
      await starts[2 + i]?.start;
    }
    assert.deepEqual(order, ['c', 'd']);
  });

  it('turns invocations away past the bound of the queue', () => {
    const { dispatcher } = setUp(1);
    const waiting = Array.from({ length: 2050 }, (_, i) => dispatcher.acquire(record(String(i))));
    assert.throws(
      () => dispatcher.acquire(record('more')),
      (error) => error instanceof PlatformError && error.code === 'overloaded',
    );
    for (const start of waiting) {
      if (start instanceof Promise) {
        start.catch(() => undefined);
      }
    }
    dispatcher.rejectAll(new PlatformError('closed', 'closed'));
    assert.equal(dispatcher.queued, 0);
  });

  it('forgets an aborted invocation that waits', async () => {
    const { dispatcher } = setUp(1);
    const f = record('f');
    now(dispatcher.acquire(f));
    const aborter = new AbortController();
    const waiting = later(dispatcher.acquire(f, aborter.signal));
    aborter.abort();
    await assert.rejects(waiting, (error) => error instanceof PlatformError && error.code === 'aborted');
    assert.equal(dispatcher.queued, 0);
    assert.equal(f.waiting.length, 0);
  });
});

describe('idle pool', () => {
  const fill = (pool: IdlePool, core: Core, of: FunctionRecord, ids: readonly number[]): void => {
    for (const id of ids) {
      pool.put(new FunctionUc(id, core, OWNER, of));
    }
  };

  it('gives the last used UC of a function, and evicts the oldest of the longest unused function', () => {
    const { idle, cores } = setUp(1);
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
    const { idle, cores } = setUp(2);
    const f = record('f');
    fill(idle, cores[0] as Core, f, [1]);
    fill(idle, cores[1] as Core, f, [2]);
    (cores[1] as Core).active = 3;
    assert.equal(idle.take(f)?.id, 1);
  });

  it('takes a UC with a process first, and keeps apart what has none', () => {
    const { idle, cores } = setUp(1);
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
    const { idle, cores } = setUp(1);
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

describe('snapshot cache', () => {
  it('evicts what saves least per byte of the longest unused, no runtime, nothing being deployed', () => {
    const evicted: number[] = [];
    const cache = new SnapshotCache((victim) => evicted.push(victim.number));
    const list = [
      snapshot(1, { kind: 'runtime', savedMs: 0 }),
      snapshot(2, { savedMs: 9 }),
      snapshot(3, { savedMs: 1 }),
      snapshot(4, { savedMs: 0.5, deploying: 1 }),
      snapshot(5, { savedMs: 5 }),
    ];
    for (const each of list) {
      cache.add(each);
    }
    const all = cache.bytes;
    while (cache.evictOne() > 0) {
      // Until nothing may go.
    }
    assert.deepEqual(evicted, [3, 5, 2]);
    assert.equal(cache.bytes, (all / 5) * 2);
  });

  it('keeps what was used lately out of the choice', () => {
    const evicted: number[] = [];
    const cache = new SnapshotCache((victim) => evicted.push(victim.number));
    const list = Array.from({ length: 20 }, (_, i) => snapshot(i + 1, { savedMs: 100 - i }));
    for (const each of list) {
      cache.add(each);
    }
    cache.touch(list[15] as Snapshot);
    cache.evictOne();
    assert.deepEqual(evicted, [17]);
  });
});
