/** Argument snapshots: when one is made, whom it serves, how it fails and goes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { JsonText } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON } from '../support/actions.ts';
import { both, invokeAll, only, type Pair, paths, results, special } from '../support/halfway.ts';

const EXITED = 'The action did not produce a valid response and exited unexpectedly.';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

const lines = ({ logs }: Activation): string[] => logs.map(({ line }) => line);

/** Works for 300 ms with what `model` says, and then needs `x`. */
const SLOW: Pair = {
  nodejs: `let loads = 0;
    async function load(model) {
      loads++;
      const start = process.cpuUsage();
      for (;;) { const { user, system } = process.cpuUsage(start); if (user + system > 3e5) break; }
      return { model, weights: Array.from({ length: 1000 }, (_, i) => i) };
    }
    exports.main = async (params) => {
      const loaded = await load(params.model);
      return { model: loaded.model, y: loaded.weights[params.x], loads };
    }`,
  python: `import time
loads = 0
def load(model):
    global loads
    loads += 1
    end = time.process_time() + 0.3
    while time.process_time() < end: pass
    return {"model": model, "weights": list(range(1000))}
def main(params):
    loaded = load(params["model"])
    return {"model": loaded["model"], "y": loaded["weights"][params["x"]], "loads": loads}`,
};

const ECHO: Pair = {
  nodejs: `let runs = 0;
    exports.main = async (p) => {
      const { a } = p;
      console.log("before", a);
      runs++;
      await null;
      console.log("after", p.x);
      return { a, x: p.x, runs };
    }`,
  python: `runs = 0
def main(p):
    global runs
    a = p["a"]
    print("before", a)
    runs += 1
    print("after", p["x"])
    return {"a": a, "x": p["x"], "runs": runs}`,
};

describe('an argument snapshot', () => {
  both('is brought by the first matching invocation after the cold one', SLOW, async (kind, source) => {
    const action = special(kind, source, [{ model: 'm' }]);
    const invocations = Array.from({ length: 6 }, (_, x) => ({ model: 'm', x }));
    const activations = await invokeAll(node, action, ...invocations);
    assert.deepEqual(paths(activations), ['cold', 'warm', 'argument', 'argument', 'argument', 'argument']);
    assert.deepEqual(
      results(activations),
      invocations.map(({ x }) => ({ model: 'm', y: x, loads: 1 })),
    );
    const { observed, snapshot, ...rest } = only(node, action);
    assert.deepEqual(rest, { fixed: JsonText.of({ model: 'm' }), origin: 'declared', state: 'ready' });
    assert.deepEqual(observed, []);
    const info = node.stats().snapshots.find(({ id }) => id === snapshot);
    assert.deepEqual(
      [info?.kind, info?.of, info?.fixed?.value(), info?.deploys],
      ['argument', action.name, { model: 'm' }, 4],
    );
    const parent = node.stats().snapshots.find(({ id }) => id === info?.parent);
    assert.deepEqual([parent?.kind, parent?.of], ['function', action.name]);
    await node.forget(action);
    assert.ok(!node.stats().snapshots.some(({ of }) => of === action.name));
  });

  both('serves those that match, before an idle context', ECHO, async (kind, source) => {
    const action = special(kind, source, [{ a: { b: [1, 'x'] } }]);
    const fixed = { b: [1, 'x'] };
    const activations = await invokeAll(
      node,
      action,
      { a: fixed, x: 0 },
      { a: fixed, x: 1 },
      { a: { b: [1, 'y'] }, x: 2 },
      { a: fixed, x: 3 },
      { a: { b: [1] }, x: 4 },
      { x: 5, a: { b: [1, 'x'] } },
    );
    assert.deepEqual(paths(activations), ['cold', 'warm', 'hot', 'argument', 'hot', 'argument']);
    assert.deepEqual(
      activations.map(({ result }) => (result as JsonObject).x),
      [0, 1, 2, 3, 4, 5],
    );
    assert.deepEqual(
      activations.map(({ result }) => (result as JsonObject).runs),
      [1, 1, 2, 1, 3, 1],
    );
    assert.deepEqual(lines(activations[1] as Activation).length, 2);
    assert.deepEqual(lines(activations[3] as Activation), ['after 3']);
    await node.forget(action);
  });

  both(
    'splits no line of the log of the one that brings it',
    {
      nodejs: `exports.main = (p) => {
          process.stdout.write("one ");
          const x = p.x;
          process.stdout.write("line\\n");
          return { x } }`,
      python: `def main(p):
    print("one ", end="")
    x = p["x"]
    print("line")
    return {"x": x}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, { a: 1, x: 0 }, { a: 1, x: 1 }, { a: 1, x: 2 });
      assert.deepEqual(activations.map(lines), [['one line'], ['one line'], ['line']]);
      await node.forget(action);
    },
  );

  both('is chosen by the most arguments, then by order', ECHO, async (kind, source) => {
    const action = special(kind, source, [{ a: 1 }, { a: 1, x: 2 }, { x: 2 }, { x: 3 }]);
    await invokeAll(
      node,
      action,
      { a: 0, x: 0 },
      { a: 1, x: 2 },
      { a: 1, x: 9 },
      { a: 5, x: 2 },
      { a: 7, x: 3 },
    );
    const deploys = async (params: JsonObject): Promise<JsonObject> => {
      const before = node.stats().snapshots;
      assert.equal((await node.invoke(action, params)).path, 'argument');
      const used = node
        .stats()
        .snapshots.find(({ id, deploys }) => before.some((old) => old.id === id && old.deploys !== deploys));
      return (used?.fixed?.value() ?? {}) as JsonObject;
    };
    assert.deepEqual(await deploys({ a: 1, x: 2 }), { a: 1, x: 2 });
    assert.deepEqual(await deploys({ a: 1, x: 3 }), { a: 1 });
    assert.deepEqual(await deploys({ a: 2, x: 2 }), { x: 2 });
    assert.deepEqual(await deploys({ a: 2, x: 3 }), { x: 3 });
    await node.forget(action);
  });

  both('serves no array', ECHO, async (kind, source) => {
    const action = special(kind, source, [{ a: 1 }]);
    await invokeAll(node, action, { a: 1, x: 1 }, { a: 1, x: 1 });
    const { path } = await node.invoke(action, [{ a: 1 }]);
    assert.notEqual(path, 'argument');
    await node.forget(action);
  });

  both('serves many at once, among others', ECHO, async (kind, source) => {
    const action = special(kind, source, [{ a: 1 }]);
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, x) => node.invoke(action, { a: x % 3 === 0 ? 2 : 1, x })),
    );
    all.forEach(({ result }, x) => {
      const { a, x: got } = result as JsonObject;
      assert.deepEqual([a, got], [x % 3 === 0 ? 2 : 1, x]);
    });
    assert.ok(paths(all).includes('argument') || only(node, action).state === 'ready');
    const again = await Promise.all(Array.from({ length: 30 }, (_, x) => node.invoke(action, { a: 1, x })));
    assert.deepEqual(new Set(paths(again)), new Set(['argument']));
    assert.deepEqual(
      again.map(({ result }) => (result as JsonObject).runs),
      again.map(() => 1),
    );
    assert.equal(node.stats().snapshots.filter(({ fixed, of }) => fixed && of === action.name).length, 1);
    await node.forget(action);
  });

  both(
    'serves functions that need nothing else, or fail',
    {
      nodejs: `let runs = 0;
        exports.main = ({ a }) => { runs++; if (a === 2) throw new Error("no"); return { a, runs } }`,
      python: `runs = 0
def main(p):
    global runs
    runs += 1
    if p["a"] == 2: raise ValueError("no")
    return {"a": p["a"], "runs": runs}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }, { a: 2 }]);
      const good = await invokeAll(node, action, { a: 1, x: 1 }, { a: 1 }, { a: 1, x: 2 }, { x: 3, a: 1 });
      assert.deepEqual(paths(good), ['cold', 'warm', 'argument', 'argument']);
      assert.deepEqual(
        results(good),
        [1, 1, 1, 1].map((runs) => ({ a: 1, runs })),
      );
      const bad = await invokeAll(node, action, { a: 2 }, { a: 2 }, { a: 2 });
      assert.deepEqual(paths(bad), ['warm', 'argument', 'argument']);
      assert.equal(new Set(bad.map(({ result, status }) => JSON.stringify([result, status]))).size, 1);
      assert.notEqual(bad[0]?.status, 'success');
      await node.forget(action);
    },
  );

  both(
    'is tried three times by functions that end before it',
    {
      nodejs: `exports.main = ({ a }) => { if (a === 1) process.exit(3); return {} }`,
      python: `import os
def main(p):
    if p["a"] == 1: os._exit(3)
    return {}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      await node.invoke(action, { a: 0 });
      for (let i = 0; i < 3; i++) {
        assert.notEqual(only(node, action).state, 'failed');
        const { path, result } = await node.invoke(action, { a: 1 });
        assert.deepEqual([path, result], ['warm', { error: EXITED }]);
      }
      assert.equal(only(node, action).state, 'failed');
      assert.equal((await node.invoke(action, { a: 1 })).path, 'hot');
      await node.forget(action);
    },
  );

  both(
    'comes out of one time limit, before it and after it together',
    {
      nodejs: `const work = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
        exports.main = (p) => { work(p.a); work(p.x); return {} }`,
      python: `import time
def main(p):
    time.sleep(p["a"] / 1000)
    time.sleep(p["x"] / 1000)
    return {}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1e6 }, { a: 300 }], { limits: limits({ timeoutMs: 500 }) });
      await node.invoke(action, { a: 0, x: 0 });
      const [before, together] = await invokeAll(node, action, { a: 1e6, x: 0 }, { a: 300, x: 300 });
      const error = 'The action exceeded its time limits of 500 milliseconds.';
      for (const activation of [before, together]) {
        assert.deepEqual([activation?.timedOut, activation?.result], [true, { error }]);
      }
      // The second one was captured before its time was over.
      const { path, status } = await node.invoke(action, { a: 300, x: 300 });
      assert.deepEqual([path, status], ['argument', 'success']);
      await node.forget(action);
    },
  );

  it('is not fooled by what a function says in its name', async () => {
    const say = `const fs = require("fs");
      const say = (m) => fs.writeSync(fs.openSync("/dev/seuss", "r+"), JSON.stringify(m) + "\\n");`;
    const sources: [string, readonly JsonObject[]][] = [
      [`say({ op: "parked", id: 1e9, observed: [], seeded: true })`, []],
      [`say({ op: "parked", id: 1e9, observed: [], seeded: true })`, [{ a: 1 }]],
      [`say({ op: "parked", id: 1, observed: "x", seeded: true })`, [{ a: 1 }]],
      [`say({ op: "result", id: 1, status: "ok", value: {}, seeded: true })`, [{ a: 1 }]],
      [`p.x; say({ op: "parked", id: 1, observed: [], seeded: true })`, [{ a: 1 }]],
      [`p.x; say({ op: "ready", seeded: true })`, [{ a: 1 }]],
    ];
    for (const [text, specialize] of sources) {
      const source = `${say} exports.main = (p) => { if (p.a) { ${text} } return { x: p.x } }`;
      const action = special(NODEJS, source, specialize);
      await node.invoke(action, { x: 1 });
      const { status, result } = await node.invoke(action, { a: 1, x: 1 });
      assert.deepEqual([status, result], ['action developer error', { error: EXITED }], text);
      assert.deepEqual((await node.invoke(action, { x: 2 })).result, { x: 2 });
      await node.forget(action);
    }
  });

  it('comes back after it was dropped', async () => {
    const action = special(PYTHON, ECHO.python, [{ a: 1 }]);
    const call = { a: 1, x: 1 };
    await invokeAll(node, action, call, call);
    await node.dropSnapshot(only(node, action).snapshot ?? '');
    assert.deepEqual([only(node, action).state, only(node, action).snapshot], ['none', null]);
    const activations = await invokeAll(node, action, call, call);
    assert.deepEqual(paths(activations), ['warm', 'argument']);
    await node.forget(action);
  });

  it('is dropped when its action is forgotten while it is made', async () => {
    const action = special(NODEJS, SLOW.nodejs, [{ model: 'm' }]);
    await node.invoke(action, { model: 'm', x: 1 });
    const leading = node.invoke(action, { model: 'm', x: 2 });
    await node.forget(action);
    assert.deepEqual((await leading).result, { model: 'm', y: 2, loads: 1 });
    assert.ok(!node.stats().snapshots.some(({ of }) => of === action.name));
  });
});
