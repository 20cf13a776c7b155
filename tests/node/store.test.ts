/** Snapshots that outlive the node: what a later one answers, and how it starts. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { createPackager } from '../../src/cli/with-node.ts';
import type { Action } from '../../src/contract/action.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { storeFolder, storeOf, strayFiles, withStore } from '../support/stores.ts';

const NODEJS_SOURCE = `
  const crypto = require('node:crypto');
  const table = Array.from({ length: 20000 }, (_, i) =>
    crypto.createHash('md5').update(String(i)).digest('hex'));
  const loaded = [performance.now(), Number(process.hrtime.bigint()), Date.now()];
  const drawn = [Math.random(), crypto.randomUUID()];
  exports.main = ({ i }) => {
    const now = [performance.now(), Number(process.hrtime.bigint()), Date.now()];
    return { entry: table[i], drawn, forward: now.every((value, k) => value >= loaded[k]),
      random: [Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString('hex'), process.pid] };
  };`;

const PYTHON_SOURCE = `
import hashlib, random, time, uuid, os, secrets
table = [hashlib.md5(str(i).encode()).hexdigest() for i in range(20000)]
loaded = [time.monotonic(), time.perf_counter(), time.time()]
drawn = [random.random(), str(uuid.uuid4())]
def main(args):
    now = [time.monotonic(), time.perf_counter(), time.time()]
    return {'entry': table[args['i']], 'drawn': drawn, 'forward': all(a >= b for a, b in zip(now, loaded)),
        'random': [random.random(), str(uuid.uuid4()), secrets.token_hex(8), os.getpid()]}`;

interface Answer {
  readonly entry: string;
  readonly drawn: readonly unknown[];
  readonly forward: boolean;
  readonly random: readonly unknown[];
}

describe('a node that was started again', () => {
  for (const [kind, source] of [
    [NODEJS, NODEJS_SOURCE],
    [PYTHON, PYTHON_SOURCE],
  ] as const) {
    it(`answers as the one before, without a boot: ${kind}`, async (t) => {
      const dir = storeFolder(t, tmpdir());
      const action = sourceAction(kind, source);
      const answers: Answer[] = [];
      for (let life = 0; life < 4; life++) {
        await withStore(dir, async (node) => {
          const { path, result, status } = await node.invoke(action, { i: 4711 });
          assert.equal(status, 'success', JSON.stringify(result));
          assert.equal(path, life === 0 ? 'cold' : 'warm');
          answers.push(result as unknown as Answer);
          assert.deepEqual(node.reports.warnings, []);
          assert.equal(node.reports.steps.includes(`Booting ${kind}`), life === 0);
          assert.equal(storeOf(node.stats()).restored, life === 0 ? 0 : 2);
        });
        assert.deepEqual(strayFiles(dir), []);
      }
      const [first, ...others] = answers as [Answer, ...Answer[]];
      for (const { entry, drawn, forward } of others) {
        assert.deepEqual([entry, drawn, forward], [first.entry, first.drawn, true]);
      }
      for (const at of first.random.keys()) {
        assert.equal(new Set(answers.map(({ random }) => random[at])).size, answers.length, `random ${at}`);
      }
    });
  }

  it('finds a function that came as a folder', async (t) => {
    const dir = storeFolder(t);
    const action = await createPackager().fromPath('examples/nodejs/markdown');
    const results: unknown[] = [];
    for (const path of ['cold', 'warm', 'warm']) {
      await withStore(dir, async (node) => {
        const activation = await node.invoke(action, { text: '# Hi' });
        assert.equal(activation.path, path);
        results.push(activation.result);
        assert.equal((await node.invoke(action, { text: '# Hi' })).path, 'hot');
      });
    }
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
  });

  it('finds argument snapshots', async (t) => {
    const dir = storeFolder(t);
    const action = sourceAction(
      NODEJS,
      'let loads = 0; exports.main = (args) => { ' +
        'const set = args.data + ++loads; return { set, k: args.k }; };',
      { policy: { startsFrom: 'reuse', specialize: [{ data: 'large' }] } },
    );
    const once = async (path: string, k: number): Promise<void> =>
      await withStore(dir, async (node) => {
        if (path === 'cold') {
          await node.invoke(action, { data: 'small' });
          await node.invoke(action, { data: 'large', k: 0 });
        }
        const { path: taken, result } = await node.invoke(action, { data: 'large', k });
        assert.equal(taken, 'argument');
        assert.deepEqual(result, { set: 'large1', k });
      });
    await once('cold', 1);
    await once('argument', 2);
    await once('argument', 3);
  });

  it('does not find what was forgotten', async (t) => {
    const dir = storeFolder(t);
    const [kept, gone] = [
      sourceAction(PYTHON, 'def main(args):\n    return {"n": 1}'),
      sourceAction(PYTHON, 'def main(args):\n    return {"n": 2}'),
    ] as [Action, Action];
    await withStore(dir, async (node) => {
      await node.invoke(kept, {});
      await node.invoke(gone, {});
    });
    // Also by a node that has not used it.
    await withStore(dir, (node) => node.forget(gone));
    assert.deepEqual(strayFiles(dir), []);
    await withStore(dir, async (node) => {
      assert.equal((await node.invoke(kept, {})).path, 'warm');
      assert.equal((await node.invoke(gone, {})).path, 'cold');
    });
  });
});
