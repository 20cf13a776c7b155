import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, FunctionUc } from '../../src/node/function/function-record.ts';
import { declaredHalfwayPoints, leadEnded } from '../../src/node/function/halfway.ts';
import type { Start } from '../../src/node/function/start.ts';
import { IdlePool } from '../../src/node/idle/idle-pool.ts';
import { Dispatcher } from '../../src/node/invoke/dispatcher.ts';
import { type Place, Places } from '../../src/node/invoke/place.ts';
import { idleCores, OWNER, record, snapshot } from '../support/node-parts.ts';

const STARTS_PER_CORE = 2;
const QUEUE_PER_CORE = 5;

function setUp(coreCount = 2) {
  const cores = idleCores(coreCount);
  const idle = new IdlePool();
  const dispatcher = new Dispatcher(cores, idle, {
    startsPerCore: STARTS_PER_CORE,
    queuePerCore: QUEUE_PER_CORE,
  });
  const places = new Places({
    dispatcher,
    account: { settle: () => undefined },
    release: (uc) => dispatcher.release(uc),
    dispose: () => undefined,
  });
  let lastUc = 0;
  return {
    cores,
    idle,
    dispatcher,
    /** An invocation that has its start. */
    begin: (start: Start, of: FunctionRecord): Begun =>
      new Begun(
        places.of(start),
        start.path === 'hot' ? start.uc : new FunctionUc(++lastUc, start.core, OWNER, of),
      ),
  };
}

/** What becomes of an invocation that has its place, as the node has it. */
class Begun {
  readonly uc: FunctionUc;
  readonly #place: Place;

  constructor(place: Place, uc: FunctionUc) {
    this.#place = place;
    this.uc = uc;
  }

  runs(): void {
    this.#place.uc = this.uc;
    this.#place.started();
  }

  answers(): void {
    this.runs();
    this.#place.keep();
    this.#place.giveBack();
  }

  fails(): void {
    this.#place.giveBack();
  }
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
    const { dispatcher, begin } = setUp();
    const f = record('f');
    const cold = now(dispatcher.acquire(f));
    assert.ok(cold.path === 'cold' && cold.leads);
    begin(cold, f).runs();
    dispatcher.coldDone(f, snapshot(2));
    const warm = now(dispatcher.acquire(f));
    assert.equal(warm.path, 'warm');
    const second = begin(warm, f);
    second.answers();
    const hot = now(dispatcher.acquire(f));
    assert.ok(hot.path === 'hot' && hot.uc === second.uc);
  });

  it('starts from an argument snapshot before all else, and lets the first that matches bring it', () => {
    const { dispatcher, begin } = setUp();
    const f = record('f');
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    const cold = now(dispatcher.acquire(f, undefined, halfway));
    assert.equal(cold.path, 'cold');
    const first = begin(cold, f);
    first.runs();
    dispatcher.coldDone(f, snapshot(2));
    first.answers();
    const leads = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(leads.path === 'warm' && leads.leadsTo === halfway && halfway?.lead === 'starting');
    begin(leads, f).runs();
    const meanwhile = now(dispatcher.acquire(f, undefined, halfway));
    assert.ok(meanwhile.path === 'hot' && meanwhile.uc === first.uc);
    begin(meanwhile, f).answers();
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
    const { dispatcher, begin } = setUp(1);
    const f = record('f');
    f.snapshot = snapshot(2);
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    assert.ok(halfway !== undefined);
    leadEnded(halfway, snapshot(3, { kind: 'argument' }));
    const [first] = [begin(now(dispatcher.acquire(f)), f), begin(now(dispatcher.acquire(f)), f)];
    const third = later(dispatcher.acquire(f, undefined, halfway));
    const fourth = later(dispatcher.acquire(f));
    first.answers();
    const hot = await fourth;
    assert.ok(hot.path === 'hot' && hot.uc === first.uc);
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
    const [first, second] = cores.map(({ starting, active }) => ({ starting, active }));
    assert.deepEqual(first, second);
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
    for (const order of ['in order', 'the other way round']) {
      const { dispatcher, begin } = setUp();
      const f = record('f');
      const first = begin(now(dispatcher.acquire(f)), f);
      const others = [later(dispatcher.acquire(f)), later(dispatcher.acquire(f))];
      const events = [() => first.fails(), () => dispatcher.coldDone(f, undefined)];
      for (const event of order === 'in order' ? events : events.reverse()) event();
      for (const start of await Promise.all(others)) {
        assert.ok(start.path === 'cold' && !start.leads, order);
      }
    }
  });

  it('promotes a demoted UC rather than to start anew, and only within the slots of its core', async () => {
    const { dispatcher, idle, cores, begin } = setUp(2);
    const f = record('f');
    f.snapshot = snapshot(2);
    const [first] = cores as [Core, Core];
    for (let id = 1; id <= STARTS_PER_CORE + 1; id++) {
      const uc = new FunctionUc(id, first, OWNER, f);
      idle.put(uc);
      idle.setDemoted(uc);
    }
    const promotions = Array.from({ length: STARTS_PER_CORE }, () => {
      const start = now(dispatcher.acquire(f));
      assert.ok(start.path === 'hot' && start.promote);
      return begin(start, f);
    });
    assert.equal(idle.demoted, 1);
    const third = later(dispatcher.acquire(f));
    const other = now(dispatcher.acquire(record('g')));
    assert.ok(other.path === 'cold' && other.core !== first);
    promotions[0]?.runs();
    const start = await third;
    assert.ok(start.path === 'hot' && start.promote && start.uc.id === 1);
    assert.equal(now(dispatcher.acquire(f)).path, 'warm');
  });

  it('hands a UC that comes free to the invocation that waits longest for its function', async () => {
    const { dispatcher, begin, idle } = setUp(1);
    const f = record('f');
    const first = begin(now(dispatcher.acquire(f)), f);
    const [second, third] = [later(dispatcher.acquire(f)), later(dispatcher.acquire(f))];
    first.answers();
    const start = await second;
    assert.ok(start.path === 'hot' && start.uc === first.uc);
    begin(start, f).answers();
    const last = await third;
    assert.equal(last.path, 'hot');
    begin(last, f).answers();
    assert.equal(idle.count, 1);
    assert.equal(dispatcher.active, 0);
  });

  it('lets as many wait for UCs that are being reset as there are, and no longer than it takes', async () => {
    const { dispatcher, begin } = setUp(1);
    const f = record('f');
    const first = begin(now(dispatcher.acquire(f)), f);
    first.runs();
    dispatcher.coldDone(f, snapshot(2));
    f.resetting = 1;
    const waits = later(dispatcher.acquire(f));
    assert.equal(now(dispatcher.acquire(f)).path, 'warm');
    f.resetting = 0;
    first.answers();
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
    const { dispatcher, begin } = setUp(1);
    const order: string[] = [];
    const functions = Array.from({ length: 2 * STARTS_PER_CORE }, (_, i) => record(`f${i}`));
    const starts = functions.map((of) => ({ of, start: dispatcher.acquire(of) }));
    const [first, waiting] = [starts.slice(0, STARTS_PER_CORE), starts.slice(STARTS_PER_CORE)];
    for (const { of, start } of waiting) {
      later(start).then(() => order.push(of.name));
    }
    assert.equal(dispatcher.queued, waiting.length);
    for (const [i, { of, start }] of first.entries()) {
      begin(now(start), of).runs();
      await waiting[i]?.start;
    }
    assert.deepEqual(
      order,
      waiting.map(({ of }) => of.name),
    );
  });

  it('turns invocations away past the bound of the queue', () => {
    const { dispatcher } = setUp(1);
    for (let i = 0; i < STARTS_PER_CORE; i++) now(dispatcher.acquire(record(`first ${i}`)));
    for (let i = 0; i < QUEUE_PER_CORE; i++) {
      later(dispatcher.acquire(record(`waiting ${i}`))).catch(() => undefined);
    }
    assert.throws(() => dispatcher.acquire(record('more')), { code: 'overloaded' });
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
