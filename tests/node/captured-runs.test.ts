/** Runs that are captured half-way, wherever they are, go on in clones. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Activation, StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import {
  assertGoesOn,
  capturedRun,
  drop,
  linesOf,
  nextId,
  PYTHON_WAITS,
  untilItRuns,
} from '../support/captured-runs.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

const WORK: [string, string, string][] = [
  [
    'Node.js',
    NODEJS,
    `const { setTimeout: sleep } = require('timers/promises');
     exports.main = async ({ rounds }) => {
       let x = 1; const seen = [];
       for (let round = 0; round < rounds; round++) {
         for (let i = 0; i < 2e5; i++) x = (x * 1103515245 + 12345) % 2147483648;
         console.log('round ' + round + ' ' + x);
         if (round % 2) await sleep(3); else await new Promise(setImmediate);
         seen.push({ x, text: String(x).repeat(3) });
         JSON.parse(JSON.stringify(seen));
       }
       return { x, seen };
     };`,
  ],
  [
    'Python',
    PYTHON,
    `import json, threading, time
def main(args):
    x = 1
    seen = []
    def work():
        nonlocal x
        for i in range(60000):
            x = (x * 1103515245 + 12345) % 2147483648
    for n in range(args['rounds']):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print('round', n, x)
        time.sleep(0.003 if n % 2 else 0)
        seen.append({'x': x, 'text': str(x) * 3})
        json.loads(json.dumps(seen))
    return {'x': x, 'seen': seen}`,
  ],
];

for (const [language, kind, source] of WORK) {
  describe(`a captured run of a ${language} function`, () => {
    it('goes on from wherever it was, as often as wanted', { timeout: 120_000 }, async () => {
      const action = sourceAction(kind, source);
      await node.invoke(action, { rounds: 1 });
      for (const fresh of [false, true]) {
        if (fresh) await node.dropIdle(action);
        const { plain, snapshots } = await capturedRun(node, action, { rounds: 6 }, 4);
        assert.equal(plain.path, fresh ? 'warm' : 'hot');
        assert.ok(snapshots.length > 0);
        const clones = await Promise.all(snapshots.flatMap(({ id }) => [node.resume(id), node.resume(id)]));
        for (const resumed of clones) {
          assertGoesOn(resumed, plain);
          assert.equal(resumed.path, 'warm');
        }
        // The first capture comes early, so its clones still have most to say.
        assert.ok(linesOf(clones[0] as Activation).length >= linesOf(clones.at(-1) as Activation).length);
        await drop(node, snapshots);
      }
      await node.forget(action);
    });

    it('can be captured again while it goes on', { timeout: 120_000 }, async () => {
      const action = sourceAction(kind, source);
      const { plain, snapshots } = await capturedRun(node, action, { rounds: 8 }, 1);
      const [first] = snapshots;
      assert.ok(first);
      const id = nextId();
      const resumed = node.resume(first.id, { id });
      await untilItRuns(node, id);
      const second = await node.capture(id);
      assert.equal(second.parent, first.id);
      assert.equal(second.kind, 'capture');
      assertGoesOn(await resumed, plain);
      assertGoesOn(await node.resume(second.id), plain);
      await assert.rejects(node.dropSnapshot(first.id), { code: 'snapshot_in_use' });
      await node.dropSnapshot(second.id);
      await node.dropSnapshot(first.id);
      await node.forget(action);
    });
  });
}

const WAITERS: [string, string, string][] = [
  [
    'Node.js',
    NODEJS,
    `exports.main = () => new Promise((resolve) => setTimeout(resolve, 250, { done: true }));`,
  ],
  ['Python', PYTHON, PYTHON_WAITS],
];

describe('a run that waits', () => {
  for (const [language, kind, source] of WAITERS) {
    it(`is captured at a call of the library OS: ${language}`, { timeout: 60_000 }, async () => {
      const action = sourceAction(kind, source);
      const { plain, snapshots } = await capturedRun(node, action, {}, 30);
      const waiting = [];
      for (const { id } of snapshots) {
        const { programCounter, guestCounter, registers } = await node.inspect(id);
        assert.equal(registers.rip, programCounter.address.toString(16).padStart(16, '0'));
        const inKernel = /^\w+\+0x[0-9a-f]+ \(library OS\)$/.test(programCounter.symbol ?? '');
        assert.equal(guestCounter !== null, inKernel, programCounter.symbol ?? '');
        if (
          /^(epoll_pwait|clock_nanosleep)\+0x[0-9a-f]+ \(\/.*libc\.so\.6\)$/.test(guestCounter?.symbol ?? '')
        ) {
          waiting.push(id);
        }
      }
      // Most of the time it waits.
      assert.ok(waiting.length > 0);
      assertGoesOn(await node.resume(waiting[0] as string), plain);
      await node.forget(action);
    });
  }
});

describe('a captured run', () => {
  it('goes on from the words that differ from its parent, too', { timeout: 30_000 }, async () => {
    const action = sourceAction(PYTHON, PYTHON_WAITS);
    await node.invoke(action, {});
    const { plain, snapshots } = await capturedRun(node, action, {}, 1);
    const { id } = snapshots[0] as SnapshotInfo;
    while (node.stats().snapshots.some((each) => each.id === id && !each.compact)) await turn();
    const details = await node.inspect(id);
    assert.equal(details.form, 'words');
    assert.ok(details.ownBytes < details.ownPages * 4096);
    assert.ok(details.programCounter.symbol);
    const diff = await node.diff(details.parent as string, id);
    assert.equal(diff.pages.bytes, details.ownPages);
    assertGoesOn(await node.resume(id), plain);
    await node.forget(action);
  });

  it('may be captured by several at once', { timeout: 30_000 }, async () => {
    const action = sourceAction(PYTHON, PYTHON_WAITS);
    await node.invoke(action, {});
    const running = node.invoke(action, {}, { id: 'wanted' });
    await untilItRuns(node, 'wanted');
    const captures = await Promise.all(Array.from({ length: 5 }, () => node.capture('wanted')));
    assert.equal(new Set(captures.map(({ id }) => id)).size, 5);
    const plain = await running;
    for (const resumed of await Promise.all(captures.map(({ id }) => node.resume(id)))) {
      assertGoesOn(resumed, plain);
    }
    await node.forget(action);
  });

  it('is refused when the memory budget has no room for it', async () => {
    const small = await startComputeNode({ preboot: [PYTHON], cores: 1, memoryBytes: 1 << 20 });
    try {
      const action = sourceAction(PYTHON, PYTHON_WAITS);
      const running = small.invoke(action, {}, { id: 'big' });
      while (small.running()[0]?.phase !== 'running') await turn();
      await assert.rejects(small.capture('big'), { code: 'no_room' });
      assert.equal((await running).status, 'success');
      assert.ok(small.stats().snapshots.every(({ kind }) => kind === 'runtime'));
    } finally {
      await small.close();
    }
  });
});

describe('a captured run that did not start from the function’s snapshot', () => {
  for (const [language, kind, source] of [
    [
      'Node.js',
      NODEJS,
      'exports.main = async (params) => { const { model } = params; const { text } = params; ' +
        'await new Promise((resolve) => setTimeout(resolve, 120)); return { model, text }; }',
    ],
    [
      'Python',
      PYTHON,
      "import time\ndef main(params):\n    model = params['model']\n    text = params['text']\n" +
        "    time.sleep(0.12)\n    return {'model': model, 'text': text}",
    ],
  ] as const) {
    it(`goes on from half-way, or after a reset: ${language}`, { timeout: 30_000 }, async () => {
      const half = sourceAction(kind, source, {
        policy: { startsFrom: 'reuse', specialize: [{ model: 'm' }] },
      });
      const reset = sourceAction(kind, source, { policy: { startsFrom: 'reset', specialize: [] } });
      for (const [action, path] of [
        [half, 'argument'],
        [reset, 'hot'],
      ] as const) {
        for (let i = 0; i < 3; i++) await node.invoke(action, { model: 'm', text: String(i) });
        const paths = new Set<StartPath>();
        // A reset that takes long is not waited for: that invocation starts warm.
        for (let attempt = 0; attempt < 20 && !paths.has(path); attempt++) {
          const { plain, snapshots } = await capturedRun(node, action, { model: 'm', text: 'here' }, 2);
          assert.deepEqual(plain.result, { model: 'm', text: 'here' });
          for (const { id } of snapshots) assertGoesOn(await node.resume(id), plain);
          paths.add(plain.path);
        }
        assert.ok(paths.has(path), [...paths].join());
        await node.forget(action);
      }
    });
  }
});

describe('an answer that is on its way at the capture', () => {
  it('is whole in each clone', { timeout: 120_000 }, async () => {
    const action = sourceAction(NODEJS, `exports.main = () => ({ text: 'é'.repeat(450_000) });`);
    await node.invoke(action, {});
    let captured = 0;
    for (let run = 0; run < 6; run++) {
      const { plain, snapshots } = await capturedRun(node, action, {}, 4);
      for (const { id } of snapshots) {
        assertGoesOn(await node.resume(id), plain);
        captured += 1;
      }
      await drop(node, snapshots);
    }
    assert.ok(captured > 0);
    await node.forget(action);
  });
});

describe('a clone of a captured run', () => {
  it('has its own limits, and fails as any run does', { timeout: 120_000 }, async () => {
    const action = sourceAction(
      NODEJS,
      'exports.main = ({ how }) => { const end = Date.now() + 150; while (Date.now() < end); ' +
        "if (how === 'exit') process.exit(3); for (;;); };",
      { limits: limits({ timeoutMs: 400 }) },
    );
    for (const how of ['exit', 'spin']) {
      const { plain, snapshots } = await capturedRun(node, action, { how }, 1);
      const resumed = await node.resume((snapshots[0] as SnapshotInfo).id);
      assert.deepEqual(
        [resumed.status, resumed.result, resumed.timedOut],
        [plain.status, plain.result, how === 'spin'],
      );
    }
    assert.equal(node.stats().busyUcs, 0);
    await node.forget(action);
  });

  it('is another process than its siblings', async () => {
    const action = sourceAction(
      PYTHON,
      'import os, time\ndef main(args):\n    time.sleep(0.1)\n' +
        "    return {'pid': os.getpid(), 'random': os.urandom(8).hex()}",
    );
    const { plain, snapshots } = await capturedRun(node, action, {}, 1);
    const { id } = snapshots[0] as SnapshotInfo;
    const clones = await Promise.all([node.resume(id), node.resume(id), node.resume(id)]);
    const results = [plain, ...clones].map(({ result }) => result as { pid: number; random: string });
    assert.equal(new Set(results.map(({ pid }) => pid)).size, 4);
    assert.equal(new Set(results.map(({ random }) => random)).size, 4);
    await node.forget(action);
  });
});
