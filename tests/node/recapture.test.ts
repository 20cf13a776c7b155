/**
 * A function is recaptured when its code is compiled: what starts from the new snapshot, and
 * what becomes of the old one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as turn } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { ComputeNodeOptions } from '../../src/contract/options.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { RecaptureTrial, RunTimes, type Verdict } from '../../src/node/background/run-times.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

let node: ComputeNode;

/** A node that captures again by itself, or only when it is told to. */
function useNode(options: ComputeNodeOptions): void {
  before(async () => {
    node = await startComputeNode({ preboot: [NODEJS, PYTHON], ...options });
  });
  after(() => node?.close());
}

/** Counts its runs and shows what it sees of its environment and of randomness. */
const COUNTERS: readonly (readonly [string, string])[] = [
  [
    NODEJS,
    `let runs = 0;
     exports.main = ({ fail }) => fail ? { error: 'no' } : ({
       runs: ++runs, random: Math.random(), uuid: require('crypto').randomUUID(),
       key: process.env.__OW_API_KEY ?? null });`,
  ],
  [
    PYTHON,
    `import os, random, uuid
runs = 0
def main(args):
    global runs
    if args.get("fail"): return {"error": "no"}
    runs += 1
    return {"runs": runs, "random": random.random(), "uuid": str(uuid.uuid4()),
            "key": os.environ.get("__OW_API_KEY")}`,
  ],
];

async function run(action: Action, params: JsonObject = {}, env?: Record<string, string>) {
  const { status, result, path } = await node.invoke(action, params, env === undefined ? {} : { env });
  assert.equal(status, 'success', JSON.stringify(result));
  return { ...(result as { runs: number; random: number; uuid: string; key: string | null }), path };
}

function snapshotsOf(action: Action): SnapshotInfo[] {
  return node.stats().snapshots.filter(({ of }) => of === action.name);
}

for (const [kind, source] of COUNTERS) {
  describe(`the recapture of a function (${kind})`, () => {
    useNode({ without: ['recapture'] });

    it('starts later clones where the captured context was, each with its own randomness', async () => {
      const action = sourceAction(kind, source);
      const seen = new Set<unknown>();
      for (let runs = 1; runs <= 3; runs++) {
        assert.equal((await run(action, {}, { __OW_API_KEY: 'secret' })).runs, runs);
      }
      assert.equal(await node.recapture(action), true);
      const next = await run(action);
      assert.deepEqual([next.path, next.runs, next.key], ['hot', 4, null]);
      for (let clone = 0; clone < 5; clone++) {
        await node.dropIdle(action);
        const first = await run(action);
        assert.deepEqual([first.path, first.runs, first.key], ['warm', 4, null]);
        seen.add(first.random).add(first.uuid);
      }
      assert.equal(seen.size, 10);
      await node.forget(action);
      assert.deepEqual(snapshotsOf(action), []);
    });

    it('may follow from a context that came from the snapshot itself', async () => {
      const action = sourceAction(kind, source);
      await run(action);
      await node.dropIdle(action);
      assert.equal((await run(action)).path, 'warm');
      await run(action);
      await run(action);
      assert.equal(await node.recapture(action), true);
      const [old, fresh] = snapshotsOf(action);
      assert.deepEqual([old?.warmed, fresh?.warmed], [undefined, true]);
      assert.equal(fresh?.parent, old?.id);
      await node.dropIdle(action);
      assert.equal((await run(action)).runs, 4);
      await node.forget(action);
      assert.deepEqual(snapshotsOf(action), []);
    });

    it('runs what the operator declared harmless, in a context of its own', async () => {
      const warmup = { args: {}, runs: 7 };
      const action = sourceAction(kind, source, { policy: { startsFrom: 'fresh', specialize: [], warmup } });
      assert.equal((await run(action)).runs, 1);
      const { idleUcs } = node.stats();
      assert.equal(await node.recapture(action), true);
      assert.deepEqual(
        snapshotsOf(action).map(({ kind: level, warmed }) => [level, warmed]),
        [
          ['function', undefined],
          ['function', true],
        ],
      );
      assert.equal((await run(action)).runs, 8);
      assert.equal((await run(action)).runs, 8);
      assert.deepEqual([node.stats().idleUcs, node.stats().busyUcs], [idleUcs, 0]);
      assert.equal(await node.recapture(action), false);
      await node.forget(action);
      assert.deepEqual(snapshotsOf(action), []);
    });

    it('does nothing without a context, and leaves all as it was when a warmup fails', async () => {
      const idle = sourceAction(kind, source);
      assert.equal(await node.recapture(idle), false);
      await run(idle);
      await node.dropIdle(idle);
      assert.equal(await node.recapture(idle), false);
      const warmup = { args: { fail: true }, runs: 3 };
      const action = sourceAction(kind, source, { policy: { startsFrom: 'reuse', specialize: [], warmup } });
      await run(action);
      await assert.rejects(node.recapture(action), { code: 'warmup_failed' });
      assert.equal(snapshotsOf(action).length, 1);
      assert.equal((await run(action)).runs, 2);
      assert.equal(node.stats().busyUcs, 0);
      await node.forget(action);
      await node.forget(idle);
    });
  });
}

describe('the node, when runs have become quicker', () => {
  useNode({});
  const kind = NODEJS;
  const source = 'let runs = 0; exports.main = () => ({ runs: ++runs });';

  async function untilRecaptured(action: Action): Promise<void> {
    while (!snapshotsOf(action).some(({ warmed }) => warmed)) {
      await turn(20);
    }
  }

  async function firstRuns(action: Action, count: number): Promise<number[]> {
    const runs: number[] = [];
    for (let i = 0; i < count; i++) {
      await node.dropIdle(action);
      runs.push((await run(action)).runs);
    }
    return runs;
  }

  it('captures by itself, and keeps the new snapshot alone once it has proved itself', async (context) => {
    const action = sourceAction(kind, source);
    context.mock.method(RunTimes.prototype, 'hot', () => 'worth-it');
    const trial = context.mock.method(
      RecaptureTrial.prototype,
      'first',
      (): ReturnType<RecaptureTrial['first']> => undefined,
    );
    await run(action);
    await run(action);
    await untilRecaptured(action);
    assert.deepEqual(await firstRuns(action, 3), [3, 3, 3]);
    assert.equal(trial.mock.callCount(), 3);
    assert.equal(snapshotsOf(action).length, 2);
    trial.mock.mockImplementation(() => 'better' as const);
    assert.deepEqual(await firstRuns(action, 2), [3, 3]);
    assert.equal(trial.mock.callCount(), 4);
    assert.deepEqual(
      snapshotsOf(action).map(({ warmed }) => warmed),
      [true],
    );
    await node.forget(action);
  });

  it('goes back to the old snapshot when first runs are no quicker', async (context) => {
    const action = sourceAction(kind, source);
    context.mock.method(RunTimes.prototype, 'hot', () => 'worth-it');
    context.mock.method(RecaptureTrial.prototype, 'first', () => 'no-better');
    await run(action);
    await run(action);
    await untilRecaptured(action);
    assert.deepEqual(await firstRuns(action, 3), [3, 1, 1]);
    assert.deepEqual(
      snapshotsOf(action).map(({ warmed }) => warmed),
      [undefined],
    );
    await node.forget(action);
  });

  it('warms up by itself what the operator allowed it to', async () => {
    const warmup = { args: {}, runs: 5 };
    const action = sourceAction(kind, source, { policy: { startsFrom: 'reset', specialize: [], warmup } });
    const first = await run(action);
    assert.equal(first.runs, 1);
    // Whether it is better is a matter of the machine; in the end one snapshot is in use, and no UC is left.
    let last: number;
    do {
      await turn(20);
      last = (await run(action)).runs;
      assert.ok(last === 1 || last === 6);
    } while (node.stats().snapshots.filter(({ of }) => of === action.name).length > 1 && last === 1);
    await node.forget(action);
    assert.deepEqual(snapshotsOf(action), []);
  });

  it('leaves functions alone whose contexts serve only once', async (context) => {
    const action = sourceAction(kind, source, { policy: { startsFrom: 'fresh', specialize: [] } });
    const noted = context.mock.method(RunTimes.prototype, 'first');
    await run(action);
    await run(action);
    assert.equal(noted.mock.callCount(), 0);
    await node.forget(action);
  });
});

describe('the times of runs', () => {
  function verdictOf(firstMs: number, hot: (run: number) => number): [Verdict, number] {
    const times = new RunTimes();
    times.first(firstMs + 1);
    times.first(firstMs);
    for (let i = 1; ; i++) {
      const verdict = times.hot(hot(i));
      if (verdict !== 'wait') {
        return [verdict, i];
      }
    }
  }

  it('call for a capture when the code has become quicker and stays so', () => {
    assert.deepEqual(
      verdictOf(10, () => 5),
      ['worth-it', 20],
    );
    assert.deepEqual(
      verdictOf(10, (i) => Math.max(2, 10 - i / 20)),
      ['worth-it', 320],
    );
  });

  it('do not when little is gained', () => {
    assert.equal(verdictOf(10, () => 8.5)[0], 'never');
    assert.equal(verdictOf(0.5, () => 0.1)[0], 'never');
    assert.equal(verdictOf(10, (i) => (i % 100 === 0 ? 1 : 11))[0], 'never');
  });

  it('judge a new snapshot by the median of three first runs', () => {
    const previous = {} as Snapshot;
    const verdict = (bytes: number, ...runs: number[]) => {
      const trial = new RecaptureTrial(previous, 10, bytes);
      return runs.map((ms) => trial.first(ms));
    };
    assert.deepEqual(verdict(1e6, 5, 20, 5), [undefined, undefined, 'better']);
    assert.deepEqual(verdict(1e6, 5, 9.5, 20), [undefined, undefined, 'no-better']);
    // 5 ms are not worth 100 MB.
    assert.deepEqual(verdict(100e6, 5, 5, 5), [undefined, undefined, 'no-better']);
  });
});
