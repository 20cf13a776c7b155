import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action, StartsFrom } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

/**
 * Far beyond what ending a context takes, far below the time limit of an invocation that is stuck
 * behind it.
 */
const DEADLINE_MS = 20_000;
const TIMEOUT_MS = 60_000;

/** The answer waits for five turns of the event loop; one more is made before the next message is read. */
const LOOPS_IN_NODE = `exports.main = ({ act }) => {
  const again = () => process.nextTick(again);
  let turns = 0;
  const turn = () => {
    if (++turns < 6) setImmediate(turn);
    else if (act === 'ticks') again();
    else for (;;);
  };
  if (act !== undefined) setImmediate(turn);
  return { ok: true };
};`;
const ACTS: readonly (readonly [kind: string, act: string, what: string])[] = [
  [NODEJS, 'loop', 'a loop in the turn after the answer'],
  [NODEJS, 'ticks', 'ticks without end'],
  [PYTHON, 'spin', 'a loop after an answer of its own'],
  [PYTHON, 'spin_without_python', 'a loop of machine code'],
  [PYTHON, 'sleep_and_spin', 'a loop after a while'],
  [PYTHON, 'flood_for_ever', 'messages without end'],
];

let node: ComputeNode;
let hostile: string;
before(async () => {
  hostile = await readFile(new URL('../hostile/reset.py', import.meta.url), 'utf8');
  node = await startComputeNode({ cores: 1, preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

function restless(kind: string, state: StartsFrom): Action {
  return sourceAction(kind, kind === PYTHON ? hostile : LOOPS_IN_NODE, {
    policy: { startsFrom: state, specialize: [] },
    limits: limits({ timeoutMs: TIMEOUT_MS }),
  });
}

async function until(reached: () => boolean): Promise<void> {
  for (const end = performance.now() + DEADLINE_MS; !reached(); ) {
    assert.ok(performance.now() < end, JSON.stringify(node.stats()));
    await sleep(5);
  }
}

describe('a context that goes on working after its answer', () => {
  for (const [kind, act, what] of ACTS) {
    it(`is ended: ${what}`, async () => {
      const action = restless(kind, 'reuse');
      await node.invoke(action, {});
      const { restlessUcs, idleUcs } = node.stats();
      const { status } = await node.invoke(action, { act });
      assert.equal(status, 'success');
      await until(() => node.stats().restlessUcs > restlessUcs);
      assert.equal(node.stats().idleUcs, idleUcs - 1);
      await node.forget(action);
    });

    for (const state of ['reuse', 'reset', 'fresh'] as const) {
      it(`holds up no invocation for long (${state}): ${what}`, async () => {
        const action = restless(kind, state);
        await node.invoke(action, {});
        await node.invoke(action, {});
        assert.equal((await node.invoke(action, { act })).status, 'success');
        const begun = performance.now();
        const { status, timedOut } = await node.invoke(action, {});
        // What lies in the link already may be taken for the answer.
        const lied = act === 'flood_for_ever' && state === 'reuse';
        assert.deepEqual({ status, timedOut }, { status: lied ? status : 'success', timedOut: false });
        assert.ok(performance.now() - begun < DEADLINE_MS);
        await node.forget(action);
      });
    }
  }

  it('is ended when its code did so while it was loaded', async () => {
    const forged =
      'f = sys._getframe()\nwhile "self" not in f.f_locals or ' +
      'not hasattr(f.f_locals["self"], "_seeded"):\n    f = f.f_back\n';
    const ready =
      'send(DRIVER_OUT, (\'{"op":"ready"\' + f.f_locals["self"]._seeded + "}\\n").encode())\n' +
      'while True: pass\n';
    const action = sourceAction(PYTHON, `${hostile}\n${forged}${ready}`, {
      limits: limits({ timeoutMs: 500 }),
    });
    const { status } = await node.invoke(action, {});
    assert.notEqual(status, 'success');
    await until(() => node.stats().busyUcs === 0);
    await node.forget(action);
  });
});

describe('a context that rests after its answer', () => {
  it('stays, whatever timers, servers and threads it has', async () => {
    const sources: readonly (readonly [string, string])[] = [
      [
        NODEJS,
        `const http = require('node:http'), { Worker } = require('node:worker_threads');
         let runs = 0;
         exports.main = async () => {
           if (runs++ === 0) {
             for (let i = 1; i < 9; i++) setInterval(() => JSON.stringify(new Array(1000).fill(i)), i);
             await new Promise((done) => http.createServer((_, to) => to.end()).listen(0, '127.0.0.1', done));
             new Worker('setInterval(() => {}, 1)', { eval: true });
           }
           return { runs };
         };`,
      ],
      [
        PYTHON,
        `import threading
runs = 0
def work():
    while True: pass
def main(args):
    global runs
    runs += 1
    if runs == 1:
        threading.Thread(target=work, daemon=True).start()
        for _ in range(4): threading.Timer(0.01, runs.bit_count).start()
    return {"runs": runs}`,
      ],
    ];
    const { restlessUcs } = node.stats();
    for (const [kind, source] of sources) {
      const action = sourceAction(kind, source);
      for (let runs = 1; runs <= 40; runs++) {
        const { status, result } = await node.invoke(action, {});
        assert.equal(status, 'success', JSON.stringify(result));
        await sleep(5);
      }
      await node.forget(action);
    }
    assert.equal(node.stats().restlessUcs, restlessUcs);
  });
});
