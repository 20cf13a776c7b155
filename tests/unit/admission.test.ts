import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, FunctionUc } from '../../src/node/function/function-record.ts';
import type { Start, Ticket } from '../../src/node/function/start.ts';
import { Admission } from '../../src/node/idle/admission.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { MemoryAccount } from '../../src/node/idle/memory-account.ts';
import { MemoryBudget } from '../../src/node/idle/memory-budget.ts';
import { Dispatcher } from '../../src/node/invoke/dispatcher.ts';
import { SnapshotCache } from '../../src/snapshot/snapshot-cache.ts';
import { idleCores, OWNER, record, snapshot } from '../support/node-parts.ts';

const MB = 1024 * 1024;

function setUp(limitMb: number) {
  const cores = idleCores(2);
  const account = new MemoryAccount();
  const idle = new IdlePool(account);
  const snapshots = new SnapshotCache(() => undefined);
  const killed: FunctionUc[] = [];
  const ended: FunctionUc[] = [];
  const ends = (list: FunctionUc[]) => (uc: FunctionUc) => {
    list.push(uc);
    uc.ending = true;
    account.update(uc);
  };
  const budget = new MemoryBudget({
    limitBytes: limitMb * MB,
    account,
    idle,
    snapshots,
    end: async (uc) => ends(ended)(uc),
    kill: ends(killed),
  });
  const dispatcher = new Dispatcher(cores, idle, { admission: new Admission<Ticket>(account, budget) });
  let lastUc = 0;
  return {
    account,
    budget,
    idle,
    killed,
    ended,
    dispatcher,
    /** The UC that a start leads to, as soon as it runs. */
    async begin(start: Start, of: FunctionRecord): Promise<FunctionUc> {
      if (start.path === 'hot') {
        return start.uc;
      }
      const uc = new FunctionUc(++lastUc, start.core, OWNER, of);
      account.update(uc);
      if (start.apart !== undefined) {
        account.settle(start.apart, uc);
      }
      await turn();
      dispatcher.startDone(start.core);
      return uc;
    },
    /** It takes that much now. */
    grow(uc: FunctionUc, mb: number): void {
      account.grew(uc, mb * MB);
      budget.grew();
    },
    /** Its process is gone. */
    gone(uc: FunctionUc): void {
      uc.fail(new Error('gone'));
      account.update(uc);
      dispatcher.reconsider();
    },
  };
}

/** A function that has a snapshot, and is expected to take so much. */
function known(name: string, mb: number): FunctionRecord {
  const of = record(name);
  of.snapshot = snapshot(7);
  of.expectedBytes = mb * MB;
  of.isKnown = true;
  return of;
}

function now(start: Start | Promise<Start>): Start {
  assert.ok(!(start instanceof Promise), 'it has to wait');
  return start;
}

function later(start: Start | Promise<Start>): { start: Promise<Start>; isOver: () => Promise<boolean> } {
  assert.ok(start instanceof Promise, 'it did not wait');
  let over = false;
  start.then(
    () => {
      over = true;
    },
    () => undefined,
  );
  return {
    start,
    isOver: async () => {
      await turn();
      return over;
    },
  };
}

describe('admission by memory', () => {
  it('lets a start wait until what others take has come free', async () => {
    const { dispatcher, begin, gone } = setUp(500);
    const large = known('large', 300);
    const first = await begin(now(dispatcher.acquire(large)), large);
    const second = later(dispatcher.acquire(large));
    assert.equal(await second.isOver(), false);
    dispatcher.lost(first.core);
    assert.equal(await second.isOver(), false, 'its process is not gone');
    gone(first);
    assert.equal(await second.isOver(), true);
  });

  it('counts starts of one turn before their contexts are there', () => {
    const { dispatcher } = setUp(500);
    const large = known('large', 300);
    now(dispatcher.acquire(large));
    later(dispatcher.acquire(large));
  });

  it('lets small ones pass, but not so many that they put it off', async () => {
    const { dispatcher, begin, grow, gone, idle } = setUp(500);
    const [large, other, small] = [known('large', 300), known('other', 300), known('small', 4)];
    const first = await begin(now(dispatcher.acquire(large)), large);
    grow(first, 300);
    const waiting = later(dispatcher.acquire(other));
    // The second event lets the ticket be the first that waits for memory.
    dispatcher.reconsider();
    const beside: FunctionUc[] = [];
    for (;;) {
      const start = dispatcher.acquire(small);
      if (start instanceof Promise) {
        break;
      }
      beside.push(await begin(start, small));
    }
    assert.ok(beside.length >= 16 && beside.length <= 50, `${beside.length} passed`);
    assert.equal(idle.count, 0);
    dispatcher.lost(first.core);
    gone(first);
    assert.equal(await waiting.isOver(), true);
  });

  it('does not take a start that was under way before for one that has passed it', async () => {
    const { dispatcher, begin } = setUp(500);
    const [large, other, small] = [known('large', 300), known('other', 300), known('small', 4)];
    const start = now(dispatcher.acquire(large));
    later(dispatcher.acquire(other));
    dispatcher.reconsider();
    now(dispatcher.acquire(small));
    await begin(start, large);
    now(dispatcher.acquire(small));
  });

  it('does not let a function whose invocations follow each other keep another waiting', async () => {
    const { dispatcher, begin, grow, gone, ended } = setUp(500);
    const [busy, other] = [known('busy', 300), known('other', 300)];
    const uc = await begin(now(dispatcher.acquire(busy)), busy);
    grow(uc, 300);
    const waiting = later(dispatcher.acquire(other));
    const next = later(dispatcher.acquire(busy));
    dispatcher.reconsider();
    dispatcher.release(uc);
    assert.equal(await next.isOver(), false);
    assert.deepEqual(ended, [uc]);
    gone(uc);
    assert.equal(await waiting.isOver(), true);
    await begin(await waiting.start, other);
    assert.equal(await next.isOver(), false);
  });

  it('starts what is alone, however much it is expected to take', async () => {
    const { dispatcher, begin } = setUp(200);
    const huge = known('huge', 10_000);
    await begin(now(dispatcher.acquire(huge)), huge);
    // And there is room for what is small.
    now(dispatcher.acquire(known('small', 4)));
  });

  it('makes room of idle contexts, those first that take much and were not used for long', async () => {
    const { dispatcher, begin, grow, ended } = setUp(500);
    const functions = [known('a', 4), known('b', 100), known('c', 4)];
    const ucs: FunctionUc[] = [];
    for (const of of functions) {
      const uc = await begin(now(dispatcher.acquire(of)), of);
      grow(uc, of.expectedBytes / MB);
      ucs.push(uc);
    }
    for (const uc of ucs) {
      dispatcher.release(uc);
      await new Promise((done) => setTimeout(done, 2));
    }
    const large = known('large', 400);
    later(dispatcher.acquire(large));
    assert.deepEqual(ended, [ucs[1]]);
  });

  it('hands a waiting one its turn when the first gives up', async () => {
    const { dispatcher, begin, grow } = setUp(500);
    const [large, small] = [known('large', 300), known('small', 60)];
    grow(await begin(now(dispatcher.acquire(large)), large), 300);
    const aborter = new AbortController();
    const first = later(dispatcher.acquire(known('other', 400), aborter.signal));
    dispatcher.reconsider();
    await begin(now(dispatcher.acquire(small)), small);
    await turn();
    later(dispatcher.acquire(small));
    aborter.abort();
    await assert.rejects(first.start, { code: 'aborted' });
    await begin(now(dispatcher.acquire(small)), small);
  });
});

describe('memory of contexts that run', () => {
  const run = (parts: ReturnType<typeof setUp>, of: FunctionRecord): Promise<FunctionUc> =>
    parts.begin(now(parts.dispatcher.acquire(of)), of);

  it('ends the one that grew last beyond what was expected', async () => {
    const parts = setUp(500);
    const modest = await run(parts, known('modest', 200));
    const [a, b] = [await run(parts, record('a')), await run(parts, record('b'))];
    parts.grow(a, 150);
    parts.grow(b, 100);
    parts.grow(modest, 190);
    parts.grow(b, 140);
    assert.deepEqual(parts.killed, []);
    parts.grow(modest, 199);
    parts.grow(a, 161);
    assert.deepEqual(parts.killed, [a]);
    assert.equal(parts.account.ending, 161 * MB + 56 * 1024);
  });

  it('leaves to others what they have kept last, and what is small', async () => {
    const parts = setUp(500);
    const [modest, large] = [await run(parts, known('modest', 4)), await run(parts, known('large', 100))];
    parts.grow(modest, 4);
    parts.grow(large, 100);
    for (const uc of [modest, large]) parts.dispatcher.release(uc);
    const greedy = await run(parts, record('greedy'));
    parts.grow(greedy, 460);
    assert.deepEqual([parts.ended, parts.killed], [[large], []]);
    parts.grow(greedy, 499);
    assert.deepEqual([parts.ended, parts.killed], [[large], [greedy]]);
    assert.equal(modest.record.idle[0], modest);
  });

  it('ends small ones too when there are no others', async () => {
    const parts = setUp(200);
    const ucs = Array.from({ length: 30 }, (_, n) => {
      const of = known(`small${n}`, 1);
      const core: Core = idleCores(1)[0] as Core;
      const uc = new FunctionUc(n + 1, core, OWNER, of);
      parts.account.update(uc);
      return uc;
    });
    for (const uc of ucs) {
      parts.grow(uc, 7);
    }
    assert.deepEqual(parts.killed, [ucs[28], ucs[29]]);
  });

  it('is expected to be what it was, and forgotten slowly', async () => {
    const parts = setUp(500);
    const of = record('f');
    of.snapshot = snapshot(7);
    const uc = await run(parts, of);
    parts.grow(uc, 90);
    assert.equal(of.expectedBytes, 90 * MB);
    parts.grow(uc, 2);
    parts.dispatcher.release(uc);
    assert.equal(of.expectedBytes, 90 * MB);
    for (let i = 0; i < 40; i++) {
      const again = now(parts.dispatcher.acquire(of));
      assert.ok(again.path === 'hot');
      parts.dispatcher.release(again.uc);
    }
    assert.ok(of.expectedBytes < 4 * MB, `${of.expectedBytes}`);
  });
});
