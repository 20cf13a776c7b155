import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { descendants } from '../support/processes.ts';

const MB = 1024 * 1024;
const BUDGET_BYTES = 500 * MB;
/** What may come beyond it between two looks of a core's tender. */
const CORES = 2;
const BEYOND_BYTES = 128 * MB * CORES;
const LARGE = 14;
/** One has room beside the runtimes' snapshots, two have not. */
const LARGE_MB = 300;
const WAIT_MS = 20_000;
const EXHAUSTED = 'The action exhausted its memory and was aborted.';

const HOG = `import mmap, time
def main(args):
    m = mmap.mmap(-1, args["mb"] << 20)
    for at in range(0, args["mb"] << 20, 4096):
        m[at] = 1
    time.sleep(args.get("ms", 0) / 1000)
    return {"mb": args["mb"]}`;

/** Private memory of all processes under this one, the most that was seen. */
class Watch implements AsyncDisposable {
  #most = 0;
  #over = false;
  readonly #done = this.#look();

  get mostBytes(): number {
    return this.#most;
  }

  async #look(): Promise<void> {
    while (!this.#over) {
      this.#most = Math.max(this.#most, sum(descendants(process.pid).map(privateBytes)));
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#done;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function privateBytes(pid: number): number {
  try {
    return Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function hog(): Action {
  return sourceAction(PYTHON, HOG, { limits: limits({ memoryBytes: 512 * MB }) });
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!holds()) {
    assert.ok(performance.now() < end, 'it did not come about');
    await sleep(5);
  }
}

/** Calls the function until `over`, and counts its wrong answers. */
async function honest(
  node: ComputeNode,
  action: Action,
  over: Promise<unknown>,
): Promise<{ answers: number; wrong: Activation[] }> {
  let running = true;
  const stop = (): void => {
    running = false;
  };
  over.then(stop, stop);
  const wrong: Activation[] = [];
  let answers = 0;
  while (running) {
    const activation = await node.invoke(action, { n: answers });
    if (activation.status !== 'success' || JSON.stringify(activation.result) !== `{"n":${answers}}`) {
      wrong.push(activation);
    }
    answers += 1;
    await sleep(5);
  }
  return { answers, wrong };
}

describe('a node with a small budget', () => {
  let node: ComputeNode;
  const honestOnes = [
    sourceAction(NODEJS, 'exports.main = (args) => args'),
    sourceAction(PYTHON, 'def main(args):\n    return args'),
  ];
  before(async () => {
    node = await startComputeNode({ cores: CORES, preboot: [NODEJS, PYTHON], memoryBytes: BUDGET_BYTES });
    await Promise.all(honestOnes.map((action) => node.invoke(action, { n: 0 })));
  });
  after(() => node?.close());

  it('stays within it however many large functions run, and others answer', {
    timeout: 120_000,
  }, async () => {
    const large = hog();
    await using watch = new Watch();
    const hogs = Promise.all(
      Array.from({ length: LARGE }, () => node.invoke(large, { mb: LARGE_MB, ms: 200 })),
    );
    const others = await Promise.all(honestOnes.map((action) => honest(node, action, hogs)));
    const ends = await hogs;
    for (const { answers, wrong } of others) {
      assert.ok(answers > 5);
      assert.deepEqual(wrong, []);
    }
    const succeeded = ends.filter(({ status }) => status === 'success').length;
    const failed = ends.filter(({ result }) => (result as { error?: unknown }).error === EXHAUSTED).length;
    assert.equal(succeeded + failed, LARGE);
    assert.ok(succeeded > 0);
    assert.ok(watch.mostBytes < BUDGET_BYTES + BEYOND_BYTES, `${watch.mostBytes} bytes`);
    await node.forget(large);
    assert.equal(node.stats().queued, 0);
  });

  it('counts what contexts take while they run, and when they are idle', async () => {
    const large = hog();
    const run = node.invoke(large, { mb: 100, ms: 500 });
    await until(() => node.stats().memory.runningBytes > 100 * MB);
    await run;
    assert.ok(node.stats().memory.runningBytes < 100 * MB);
    const keeps = sourceAction(
      PYTHON,
      'kept = []\ndef main(args):\n    kept.append(b"x" * (50 << 20))\n    return {}',
    );
    await node.invoke(keeps, {});
    await until(() => node.stats().memory.idleBytes > 50 * MB);
    await node.dropIdle(keeps);
    await until(() => node.stats().memory.idleBytes + node.stats().memory.runningBytes < 50 * MB);
    await Promise.all([large, keeps].map((action) => node.forget(action)));
  });

  it('gives up idle contexts that have grown before it lets a large function wait', async () => {
    const keeps = sourceAction(
      PYTHON,
      'kept = []\ndef main(args):\n    kept.append(b"x" * (60 << 20))\n    return {}',
    );
    for (let i = 0; i < 5; i++) await node.invoke(keeps, {});
    assert.equal((await node.invoke(hog(), { mb: LARGE_MB })).status, 'success');
    await node.forget(keeps);
  });

  it('keeps no snapshot that takes more than a quarter of it', async () => {
    const large = sourceAction(
      PYTHON,
      'kept = [bytes([i]) * (1 << 20) for i in range(1, 181)]\ndef main(args):\n    return {"n": len(kept)}',
    );
    for (let i = 0; i < 2; i++) {
      const { path, result } = await node.invoke(large, {});
      assert.deepEqual([path, result], ['cold', { n: 180 }]);
      assert.ok(node.stats().snapshots.every(({ kind, of }) => kind === 'runtime' || of !== large.name));
      await node.dropIdle(large);
    }
    await node.forget(large);
  });

  it('runs a function that expects more than the budget alone, and fails it for its memory', async () => {
    const tooLarge = hog();
    for (let i = 0; i < 2; i++) {
      assert.deepEqual((await node.invoke(tooLarge, { mb: 500 })).result, { error: EXHAUSTED });
    }
    // What is small runs beside it, and again.
    assert.equal((await node.invoke(tooLarge, { mb: 1 })).status, 'success');
    await node.forget(tooLarge);
  });
});
