import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import type { StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { descendants } from '../support/processes.ts';

const FUNCTIONS = 200;
const CLIENTS = 64;
const ROUNDS = 3;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

function echo(index: number): Action {
  return index % 2 === 0
    ? sourceAction(NODEJS, `let runs = 0; function main(p) { return { f: ${index}, runs: ++runs, ...p } }`)
    : sourceAction(
        PYTHON,
        `runs = 0
def main(p):
    global runs
    runs += 1
    return {"f": ${index}, "runs": runs, **p}`,
      );
}

function shuffled<T>(items: readonly T[]): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

/** Runs jobs from so many clients at once, each taking the next job when it is done with one. */
async function fromClients(clients: number, jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = jobs.values();
  const client = async (): Promise<void> => {
    for (const job of queue) {
      await job();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

describe('many invocations at once', () => {
  it('of many functions, by all paths, get their own answers', { timeout: 300_000 }, async () => {
    const actions = Array.from({ length: FUNCTIONS }, (_, index) => echo(index));
    const paths: Record<StartPath, number> = { cold: 0, warm: 0, argument: 0, hot: 0 };
    const job = (index: number, action: Action, round: number) => async (): Promise<void> => {
      if (Math.random() < 0.2) {
        await node.dropIdle(action);
      }
      const token = Math.random();
      const { status, result, path } = await node.invoke(action, { token, round });
      assert.equal(status, 'success', JSON.stringify(result));
      const { f, token: returned } = result as { f: number; token: number };
      assert.deepEqual([f, returned], [index, token]);
      paths[path] += 1;
    };
    const rounds = Array.from({ length: ROUNDS }, (_, round) =>
      actions.map((action, index) => job(index, action, round)),
    );
    await fromClients(CLIENTS, shuffled(rounds.flat()));
    assert.equal(paths.cold, FUNCTIONS);
    assert.equal(paths.cold + paths.warm + paths.hot, FUNCTIONS * ROUNDS);
    assert.equal(node.stats().busyUcs, 0);
    assert.equal(node.stats().queued, 0);
  });

  it('of one new function share its first start', async () => {
    const action = echo(0);
    const activations = await Promise.all(Array.from({ length: 20 }, (_, i) => node.invoke(action, { i })));
    assert.equal(activations.filter(({ path }) => path === 'cold').length, 1);
    activations.forEach(({ result }, i) => {
      assert.equal((result as { i: number }).i, i);
    });
  });

  it('of a function that fails to load all fail, and none waits for the others', async () => {
    const action = sourceAction(NODEJS, 'syntax error here');
    const activations = await Promise.all(Array.from({ length: 20 }, () => node.invoke(action, {})));
    for (const { status, path } of activations) {
      assert.deepEqual([status, path], ['action developer error', 'cold']);
    }
  });

  it('run side by side in several unikernel contexts of a function that waits', async () => {
    const action = sourceAction(
      NODEJS,
      'exports.main = () => new Promise((done) => setTimeout(done, 300, {}))',
    );
    await node.invoke(action, {});
    const begun = performance.now();
    await Promise.all(Array.from({ length: 16 }, () => node.invoke(action, {})));
    assert.ok(performance.now() - begun < 1500);
  });
});

describe('unikernel contexts of one function', () => {
  it('do not share state', async () => {
    const action = echo(1);
    const first = await node.invoke(action, {});
    await node.dropIdle(action);
    const second = await node.invoke(action, {});
    const third = await node.invoke(action, {});
    const runs = [first, second, third].map(({ result }) => (result as { runs: number }).runs);
    assert.deepEqual(runs, [1, 1, 2]);
  });

  for (const [kind, source] of [
    [
      NODEJS,
      `const crypto = require('node:crypto');
       function main() {
         return { values: [Math.random(), crypto.randomUUID(), crypto.randomBytes(16).toString('hex'),
           process.pid] };
       }`,
    ],
    [
      PYTHON,
      `import random, secrets, uuid, os
def main(args):
    return {"values": [random.random(), secrets.token_hex(16), str(uuid.uuid4()), os.getpid()]}`,
    ],
  ] as const) {
    it(`share no random value (${kind})`, async () => {
      const action = sourceAction(kind, source);
      const seen: string[][] = [];
      for (let i = 0; i < 30; i++) {
        const { result, status } = await node.invoke(action, {});
        assert.equal(status, 'success', JSON.stringify(result));
        seen.push((result as { values: unknown[] }).values.map(String));
        await node.dropIdle(action);
      }
      for (const column of seen[0]?.keys() ?? []) {
        assert.equal(new Set(seen.map((row) => row[column])).size, seen.length, `column ${column}`);
      }
    });
  }

  it('see the time of now', async () => {
    const action = sourceAction(
      NODEJS,
      'const loaded = Date.now(); function main() { return { loaded, now: Date.now() } }',
    );
    await node.invoke(action, {});
    await node.dropIdle(action);
    const earlier = Date.now();
    const { result } = await node.invoke(action, {});
    const { now } = result as { now: number };
    assert.ok(now >= earlier - 1 && now <= Date.now() + 1);
  });
});

describe('the node', () => {
  it('forgets a function: its next start is cold', async () => {
    const action = echo(2);
    assert.equal((await node.invoke(action, {})).status, 'success');
    const earlier = node.stats();
    await node.forget(action);
    const later = node.stats();
    assert.equal(later.idleUcs, earlier.idleUcs - 1);
    assert.equal(later.snapshots.length, earlier.snapshots.length - 1);
    assert.equal((await node.invoke(action, {})).path, 'cold');
  });

  it('measures the memory of an idle unikernel context', async () => {
    const action = echo(3);
    await node.invoke(action, {});
    const memory = await node.idleMemory(action);
    assert.ok(memory.privateBytes > 0 && memory.pageTableBytes > 0);
  });

  it('keeps to its budget: idle contexts go first, then snapshots, runtimes never', async () => {
    const small = await startComputeNode({ cores: 1, preboot: [PYTHON], memoryBytes: 1 });
    try {
      const action = echo(5);
      assert.equal((await small.invoke(action, {})).path, 'cold');
      assert.equal((await small.invoke(action, {})).path, 'cold');
      const { idleUcs, snapshots } = small.stats();
      assert.equal(idleUcs, 0);
      assert.deepEqual(
        snapshots.map(({ kind }) => kind),
        ['runtime'],
      );
    } finally {
      await small.close();
    }
  });

  it('runs functions with several worker threads at once', { timeout: 60_000 }, async () => {
    const action = sourceAction(
      NODEJS,
      `const { Worker } = require('node:worker_threads');
       const text = 'const { parentPort, workerData } = require("node:worker_threads"); ' +
         'parentPort.postMessage(workerData * workerData)';
       const square = (n) => new Promise((resolve, reject) => new Worker(text, { eval: true, workerData: n })
         .on('message', resolve).on('error', reject));
       exports.main = async () => ({ squares: await Promise.all([1, 2, 3, 4].map(square)) });`,
    );
    const { result } = await node.invoke(action, {});
    assert.deepEqual(result, { squares: [1, 4, 9, 16] });
  });

  it('leaves no process when it is closed', async () => {
    const earlier = new Set(descendants(process.pid));
    const other = await startComputeNode({ preboot: [PYTHON] });
    await Promise.all([1, 3, 5].map((index) => other.invoke(echo(index), {})));
    const added = descendants(process.pid).filter((pid) => !earlier.has(pid));
    assert.ok(added.length > 0);
    await other.close();
    const left = new Set(descendants(process.pid));
    assert.deepEqual(
      added.filter((pid) => left.has(pid)),
      [],
    );
  });
});
