import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Action, STARTS_FROM } from '../../src/contract/action.ts';
import type { StartPath } from '../../src/contract/activation.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const TURNS_MAX = 10;
const CLIENTS = 12;
const INVOCATIONS = process.env.SEUSS_STRESS === '1' ? 20_000 : 600;
const FUNCTIONS = 16;
/** Room for both runtimes and some of the functions. */
const MEMORY_BYTES = 135e6;
const SETTLE_MS = 10_000;

const SOURCES = [
  [
    NODEJS,
    `exports.main = async (p) => {
      const { a } = p;
      let sum = 0;
      for (let i = 0; i < 5000; i++) sum += i * a;
      await null;
      const b = p.b ?? null;
      return { sum, a, b, x: p.x };
    };`,
  ],
  [
    PYTHON,
    `def main(p):
    a = p["a"]
    total = 0
    for i in range(5000): total += i * a
    b = p.get("b")
    return {"sum": total, "a": a, "b": b, "x": p["x"]}`,
  ],
] as const;

/** The same numbers in each run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function functions(): Action[] {
  return Array.from({ length: FUNCTIONS }, (_, i) => {
    const [kind, source] = SOURCES[i % 2] as (typeof SOURCES)[number];
    const state = STARTS_FROM[i % STARTS_FROM.length] as (typeof STARTS_FROM)[number];
    return sourceAction(kind, source, {
      policy: { startsFrom: state, specialize: [{ a: 1 }, { a: 2 }, { a: 1, b: 1 }] },
    });
  });
}

it('many clients of many functions get their own answers while snapshots come and go', async () => {
  const node = await startComputeNode({ preboot: [NODEJS, PYTHON], memoryBytes: MEMORY_BYTES });
  const actions = functions();
  const taken = new Set<StartPath>();
  const client = async (number: number): Promise<void> => {
    const next = generator(number);
    for (let i = 0; i < INVOCATIONS / CLIENTS; i++) {
      const action = actions[Math.floor(next() * actions.length)] as Action;
      const params: JsonObject = { a: 1 + Math.floor(next() * 3), x: `${number}/${i}` };
      if (next() < 0.4) params.b = 1;
      const { path, result } = await node.invoke(action, params);
      taken.add(path);
      const { a, b = null, x } = params;
      assert.deepEqual(result, { sum: 12_497_500 * Number(a), a, b, x }, path);
      const chance = next();
      if (chance < 0.02) await node.dropIdle(action);
      else if (chance < 0.03) await node.demoteIdle(action);
      else if (chance < 0.035) await node.forget(action);
    }
  };
  try {
    // A busy machine has other snapshots come and go: in a turn there may be none of these.
    for (let turns = 0; turns < TURNS_MAX && !taken.has('argument'); turns++) {
      await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
    }
    assert.ok(taken.has('argument'));
    assert.equal(node.stats().queued, 0);
    // A UC that is put back to its snapshot is busy until it is.
    const end = performance.now() + SETTLE_MS;
    while (node.stats().busyUcs > 0 && performance.now() < end) await turn();
    assert.equal(node.stats().busyUcs, 0);
  } finally {
    await node.close();
  }
});
