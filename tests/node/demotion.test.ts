import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { Tender } from '../../src/tender/tender.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

/** Counts its runs, draws random values, and takes its time. */
const SOURCES: readonly (readonly [string, string])[] = [
  [
    NODEJS,
    `const crypto = require('node:crypto');
     let runs = 0, id;
     exports.main = async ({ ms = 0, token }) => {
       id ??= crypto.randomUUID();
       if (ms > 0) await new Promise((done) => setTimeout(done, ms));
       return { id, token, runs: ++runs, values: [Math.random(), crypto.randomUUID()] };
     };`,
  ],
  [
    PYTHON,
    `import random, time, uuid
id = None
runs = 0
def main(args):
    global id, runs
    id = id or str(uuid.uuid4())
    runs += 1
    time.sleep(args.get("ms", 0) / 1000)
    values = [random.random(), str(uuid.uuid4())]
    return {"id": id, "token": args.get("token"), "runs": runs, "values": values}`,
  ],
];

/** An idle UC with a process takes a MiB and more, so there is not room for so many of them. */
const SMALL_BYTES = 100 * 1024 ** 2;
const ROOM = SMALL_BYTES / 2 ** 20;
const MANY = 210;
const FUNCTIONS = 21;

interface Result {
  readonly id: string;
  readonly token: number;
  readonly runs: number;
  readonly values: readonly unknown[];
}

function resultOf({ status, result }: Activation): Result {
  assert.equal(status, 'success', JSON.stringify(result));
  return result as unknown as Result;
}

async function overlapping(action: Action, count: number, ms: number): Promise<Activation[]> {
  const activations = await Promise.all(
    Array.from({ length: count }, (_, token) => node.invoke(action, { ms, token })),
  );
  activations.forEach((activation, token) => {
    assert.equal(resultOf(activation).token, token);
  });
  return activations;
}

for (const [kind, source] of SOURCES) {
  describe(`a demoted unikernel context (${kind})`, () => {
    it('goes on where it was', async () => {
      const action = sourceAction(kind, source);
      await node.invoke(action, {});
      await node.dropIdle(action);
      const first = resultOf(await node.invoke(action, {}));
      const seen = new Set(first.values);
      for (let runs = 2; runs < 8; runs++) {
        assert.equal(await node.demoteIdle(action), 1);
        assert.equal((await node.idleMemory(action)).demoted, true);
        const activation = await node.invoke(action, {});
        const { id, values, runs: counted } = resultOf(activation);
        assert.deepEqual([activation.path, counted, id], ['hot', runs, first.id]);
        assert.ok((activation.timings.deployMs ?? 0) > 0);
        for (const value of values) {
          assert.ok(!seen.has(value));
          seen.add(value);
        }
        assert.equal((await node.idleMemory(action)).demoted, false);
      }
      await node.forget(action);
    });

    it('takes a small part of the memory', async () => {
      const action = sourceAction(kind, source);
      await node.invoke(action, {});
      await node.dropIdle(action);
      await node.invoke(action, {});
      const live = await node.idleMemory(action);
      await node.demoteIdle(action);
      const kept = await node.idleMemory(action);
      assert.ok(kept.privateBytes < 160 * 1024, `${kept.privateBytes} bytes`);
      assert.ok(
        kept.privateBytes < live.privateBytes / 4,
        `${kept.privateBytes} of ${live.privateBytes} bytes`,
      );
      await node.forget(action);
    });

    it('may be the one that its snapshot was captured from', async () => {
      const action = sourceAction(kind, source);
      assert.equal((await node.invoke(action, {})).path, 'cold');
      assert.equal(await node.demoteIdle(action), 1);
      assert.ok((await node.idleMemory(action)).privateBytes < 160 * 1024);
      const activation = await node.invoke(action, {});
      assert.deepEqual([activation.path, resultOf(activation).runs], ['hot', 2]);
      await node.forget(action);
    });

    it('is one of 200 that come back at once, each with its own state', { timeout: 120_000 }, async () => {
      const action = sourceAction(kind, source);
      await node.invoke(action, {});
      const first = await overlapping(action, 200, 2500);
      const idle = node.stats().idleUcs;
      assert.ok((await node.demoteIdle(action)) >= 200);
      const second = await overlapping(action, 200, 2500);
      assert.ok(second.every(({ path }) => path === 'hot'));
      assert.equal(node.stats().idleUcs, idle);
      const runs = new Map(first.map((activation) => [resultOf(activation).id, resultOf(activation).runs]));
      const again = second.map(resultOf);
      assert.equal(new Set(again.map(({ id }) => id)).size, 200);
      for (const result of again) {
        assert.equal(result.runs, (runs.get(result.id) ?? 0) + 1);
      }
      const values = [...first.map(resultOf), ...again].flatMap(({ values }) => values);
      assert.equal(new Set(values).size, values.length);
      await node.forget(action);
    });
  });
}

describe('the node and its demoted contexts', () => {
  const [, source] = SOURCES[0] as (typeof SOURCES)[number];

  it('demotes in time all but the last used ones', { timeout: 60_000 }, async () => {
    const action = sourceAction(NODEJS, source);
    await node.invoke(action, {});
    const earlier = node.stats().demotedUcs;
    await overlapping(action, 10, 300);
    assert.equal(node.stats().demotedUcs, earlier);
    const end = performance.now() + 20_000;
    while (node.stats().demotedUcs < earlier + 8 && performance.now() < end) {
      await sleep(50);
    }
    assert.equal(node.stats().demotedUcs, earlier + 8);
    assert.equal((await node.idleMemory(action)).demoted, false);
    const activation = await node.invoke(action, {});
    assert.deepEqual([activation.path, activation.timings.deployMs], ['hot', undefined]);
    await node.forget(action);
  });

  it('drops them', async () => {
    const action = sourceAction(NODEJS, source);
    await node.invoke(action, {});
    const earlier = node.stats();
    await overlapping(action, 5, 300);
    assert.ok((await node.demoteIdle(action)) >= 5);
    assert.ok(node.stats().demotedUcs >= 5);
    await node.dropIdle(action);
    assert.equal(node.stats().idleUcs, earlier.idleUcs - 1);
    assert.equal(node.stats().demotedUcs, earlier.demotedUcs);
    assert.equal((await node.invoke(action, {})).path, 'warm');
    await node.forget(action);
  });

  it('demotes rather than evicts when memory is short', { timeout: 120_000 }, async () => {
    const python = 'import time\ndef main(args):\n    time.sleep(args.get("ms", 0) / 1000)\n    return {}';
    // Those that run at a time have room.
    const actions = Array.from({ length: FUNCTIONS }, (_, n) => sourceAction(PYTHON, `${python}\n# ${n}`));
    const small = await startComputeNode({ cores: 1, preboot: [PYTHON], memoryBytes: SMALL_BYTES });
    try {
      // They come to rest one after the other, unless the host stands still for a while.
      for (const action of actions) {
        const some = Array.from({ length: MANY / FUNCTIONS }, (_, n) =>
          small.invoke(action, { ms: 50 + 10 * n }),
        );
        await Promise.all(some);
      }
      const { idleUcs, demotedUcs } = small.stats();
      assert.ok(idleUcs > ROOM, `${idleUcs} are idle, ${demotedUcs} of them demoted`);
      const again = actions.map((action) => small.invoke(action, {}));
      const hot = (await Promise.all(again)).filter(({ path }) => path === 'hot').length;
      assert.ok(hot > FUNCTIONS / 2, `${hot} were hot`);
    } finally {
      await small.close();
    }
  });

  it('starts warm when a demoted one does not come back', async (context) => {
    const action = sourceAction(NODEJS, source);
    await node.invoke(action, {});
    const { idleUcs, busyUcs } = node.stats();
    assert.equal(await node.demoteIdle(action), 1);
    const promote = context.mock.method(Tender.prototype, 'promote', () =>
      Promise.reject(new PlatformError('tender_refused', 'no')),
    );
    const activation = await node.invoke(action, {});
    assert.deepEqual([activation.path, resultOf(activation).runs], ['warm', 1]);
    assert.equal(promote.mock.callCount(), 1);
    const later = node.stats();
    assert.deepEqual([later.idleUcs, later.busyUcs], [idleUcs, busyUcs]);
    assert.equal((await node.idleMemory(action)).demoted, false);
    await node.forget(action);
  });

  it('bring back what a context has mapped since its snapshot', async () => {
    const action = sourceAction(
      NODEJS,
      `const kept = [];
       exports.main = () => {
         kept.push(Buffer.alloc(1 << 19, kept.length));
         return { sums: kept.map((buffer) => buffer.reduce((sum, byte) => sum + byte, 0) / buffer.length) };
       };`,
    );
    await node.invoke(action, {});
    await node.dropIdle(action);
    for (let runs = 1; runs < 6; runs++) {
      const activation = await node.invoke(action, {});
      assert.deepEqual(activation.result, { sums: Array.from({ length: runs }, (_, i) => i) });
      assert.equal(await node.demoteIdle(action), 1);
    }
    await node.forget(action);
  });

  it('leave a context alone that holds too much', async () => {
    const action = sourceAction(
      NODEJS,
      `const kept = [];
       exports.main = () => ({ kept: kept.push(Buffer.alloc(8 << 20, 1)) });`,
    );
    for (let kept = 1; kept < 5; kept++) {
      const activation = await node.invoke(action, {});
      assert.deepEqual(activation.result, { kept });
      assert.equal(await node.demoteIdle(action), 0);
    }
    await node.forget(action);
  });
});
