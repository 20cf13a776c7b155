import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPackager } from '../../src/cli/with-node.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { folder } from '../drivers/folder.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { both, invokeAll, only, type Pair, paths, results, special } from '../support/halfway.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

describe('checkpoint()', () => {
  const COUNTED: Pair = {
    nodejs: `import { checkpoint } from "seuss";
      let runs = 0;
      const prepare = async () => { runs++; await null; return "ready" };
      export async function main(params) {
        const state = await prepare();
        const rows = [];
        for (let i = 0; i < 3; i++) rows.push(checkpoint().x);
        return { state, runs, rows, x: params.x, id: process.env.__OW_ACTIVATION_ID };
      }`,
    python: `import os
runs = 0
def prepare():
    global runs
    runs += 1
    return "ready"
def main(params):
    import seuss
    state = prepare()
    rows = [seuss.checkpoint()["x"] for _ in range(3)]
    return {"state": state, "runs": runs, "rows": rows, "x": params["x"],
            "id": os.environ["__OW_ACTIVATION_ID"]}`,
  };

  both('is where later invocations start', COUNTED, async (kind, source) => {
    const action = sourceAction(kind, source);
    for (let x = 0; x < 6; x++) {
      const env = { __OW_ACTIVATION_ID: `id-${x}` };
      const { path, result } = await node.invoke(action, { x }, { env });
      assert.equal(path, ['cold', 'warm'][x] ?? 'argument');
      assert.deepEqual(result, { state: 'ready', runs: 1, rows: [x, x, x], x, id: `id-${x}` });
    }
    assert.deepEqual([only(node, action).origin, only(node, action).fixed.value()], ['checkpoint', {}]);
    await node.forget(action);
  });

  it('leaves a running event loop running, whose clones have another process id', async () => {
    const source = `import asyncio, seuss
async def work():
    await asyncio.sleep(0)
    other = asyncio.get_running_loop().create_task(asyncio.sleep(0.001, "slept"))
    x = seuss.checkpoint()["x"]
    gathered = await asyncio.gather(other, asyncio.to_thread(lambda: x), asyncio.sleep(0, "again"))
    return {"x": x, "gathered": gathered, "same": asyncio.get_event_loop() is asyncio.get_running_loop()}
def main(params):
    return asyncio.run(work())`;
    const action = sourceAction(PYTHON, source);
    for (let x = 0; x < 4; x++) {
      const { path, result } = await node.invoke(action, { x });
      assert.equal(path, ['cold', 'warm'][x] ?? 'argument');
      assert.deepEqual(result, { x, gathered: ['slept', x, 'again'], same: true });
    }
    await node.forget(action);
  });

  for (const [kind, files, own] of [
    [
      NODEJS,
      {
        'package.json': '{"type":"module","main":"main.js"}',
        'main.js': 'export { main } from "./lib/run.js";',
        'lib/run.js':
          'import { checkpoint } from "seuss"; export const main = () => ({ x: checkpoint().x });',
      },
      { 'node_modules/seuss/index.js': 'exports.checkpoint = () => ({ x: "own" });' },
    ],
    [
      PYTHON,
      {
        '__main__.py': 'from lib.run import main',
        'lib/__init__.py': '',
        'lib/run.py': 'from seuss import checkpoint\ndef main(p): return {"x": checkpoint()["x"]}',
      },
      { 'seuss.py': 'def checkpoint(): return {"x": "own"}' },
    ],
  ] as const) {
    it(`is there for the modules of a folder, unless it has its own (${kind})`, async () => {
      const packager = createPackager();
      const plain = await packager.fromPath(folder(files), { kind });
      const activations = await invokeAll(node, plain, { x: 0 }, { x: 1 }, { x: 2 });
      assert.deepEqual(paths(activations), ['cold', 'warm', 'argument']);
      assert.deepEqual(results(activations), [{ x: 0 }, { x: 1 }, { x: 2 }]);
      const owning = await packager.fromPath(folder({ ...files, ...own }), { kind });
      const others = await invokeAll(node, owning, { x: 0 }, { x: 1 }, { x: 2 });
      assert.deepEqual(paths(others), ['cold', 'hot', 'hot']);
      assert.deepEqual(results(others), [{ x: 'own' }, { x: 'own' }, { x: 'own' }]);
    });
  }

  both(
    'may come in some runs only',
    {
      nodejs: `const { checkpoint } = require("seuss");
        exports.main = (p) => { if (p.stop) checkpoint(); return { x: p.x } }`,
      python: `import seuss
def main(p):
    if p.get("stop"): seuss.checkpoint()
    return {"x": p["x"]}`,
    },
    async (kind, source) => {
      const action = sourceAction(kind, source);
      const calls = [{ stop: 1 }, {}, {}, {}, {}, { stop: 1 }];
      const activations = await invokeAll(node, action, ...calls.map((call, x) => ({ ...call, x })));
      assert.deepEqual(paths(activations), ['cold', 'warm', 'warm', 'warm', 'hot', 'hot']);
      assert.deepEqual(
        results(activations),
        calls.map((_, x) => ({ x })),
      );
      assert.equal(only(node, action).state, 'failed');
      await node.forget(action);
    },
  );

  both(
    'is below what is declared',
    {
      nodejs: `const { checkpoint } = require("seuss"); let from = "";
        exports.main = (p) => {
          from += "start ";
          if (p.a === 1) from += "one ";
          const { x } = checkpoint();
          return { x, from } }`,
      python: `import seuss
made = ""
def main(p):
    global made
    made += "start "
    if p.get("a") == 1: made += "one "
    return {"x": seuss.checkpoint()["x"], "from": made}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const params = [{ a: 0 }, { a: 1 }, { a: 0 }, { a: 1 }, { a: 0 }].map((p, x) => ({ ...p, x }));
      const activations = await invokeAll(node, action, ...params);
      assert.deepEqual(paths(activations), ['cold', 'warm', 'warm', 'argument', 'argument']);
      assert.deepEqual(results(activations).slice(3), [
        { x: 3, from: 'start one ' },
        { x: 4, from: 'start ' },
      ]);
      await node.forget(action);
    },
  );
});
