/** Snapshots as objects: runs captured half-way, wherever they are, and what can be learned of snapshots. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation, StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import type { JsonValue } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

let lastId = 0;

interface CapturedRun {
  readonly plain: Activation;
  readonly snapshots: readonly SnapshotInfo[];
}

async function untilItRuns(id: string): Promise<void> {
  while (node.running().every((running) => running.id !== id || running.phase !== 'running')) {
    await turn();
  }
}

/** Runs a function and captures it as often as that goes while it runs, up to `most` times. */
async function capturedRun(action: Action, params: JsonValue, most: number): Promise<CapturedRun> {
  const id = `run-${++lastId}`;
  const running = node.invoke(action, params, { id });
  const snapshots: SnapshotInfo[] = [];
  await untilItRuns(id);
  try {
    while (snapshots.length < most) {
      snapshots.push(await node.capture(id));
    }
  } catch (error) {
    assert.match((error as { code: string }).code, /^(not_running|unknown_activation)$/, String(error));
  }
  return { plain: await running, snapshots };
}

async function drop(snapshots: readonly SnapshotInfo[]): Promise<void> {
  await Promise.all(snapshots.map(({ id }) => node.dropSnapshot(id)));
}

const linesOf = ({ logs }: Activation): string[] => logs.map(({ line }) => line);

/** A clone says what the captured run said after the capture, and gives the same answer. */
function assertGoesOn(resumed: Activation, plain: Activation): void {
  assert.deepEqual([resumed.status, resumed.result], [plain.status, plain.result]);
  const [said, all] = [linesOf(resumed), linesOf(plain)];
  assert.deepEqual(said, all.slice(all.length - said.length));
}

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
        const { plain, snapshots } = await capturedRun(action, { rounds: 6 }, 4);
        assert.equal(plain.path, fresh ? 'warm' : 'hot');
        assert.ok(snapshots.length > 0);
        const clones = await Promise.all(snapshots.flatMap(({ id }) => [node.resume(id), node.resume(id)]));
        for (const resumed of clones) {
          assertGoesOn(resumed, plain);
          assert.equal(resumed.path, 'warm');
        }
        // The first capture comes early, so its clones still have most to say.
        assert.ok(linesOf(clones[0] as Activation).length >= linesOf(clones.at(-1) as Activation).length);
        await drop(snapshots);
      }
      await node.forget(action);
    });

    it('can be captured again while it goes on', { timeout: 120_000 }, async () => {
      const action = sourceAction(kind, source);
      const { plain, snapshots } = await capturedRun(action, { rounds: 8 }, 1);
      const [first] = snapshots;
      assert.ok(first);
      const id = `again-${++lastId}`;
      const resumed = node.resume(first.id, { id });
      await untilItRuns(id);
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

const PYTHON_WAITS = `import time\ndef main(args):\n    time.sleep(0.25)\n    return {'done': True}`;

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
      const { plain, snapshots } = await capturedRun(action, {}, 30);
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
    const { plain, snapshots } = await capturedRun(action, {}, 1);
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
    await untilItRuns('wanted');
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
          const { plain, snapshots } = await capturedRun(action, { model: 'm', text: 'here' }, 2);
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
      const { plain, snapshots } = await capturedRun(action, {}, 4);
      for (const { id } of snapshots) {
        assertGoesOn(await node.resume(id), plain);
        captured += 1;
      }
      await drop(snapshots);
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
      const { plain, snapshots } = await capturedRun(action, { how }, 1);
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
    const { plain, snapshots } = await capturedRun(action, {}, 1);
    const { id } = snapshots[0] as SnapshotInfo;
    const clones = await Promise.all([node.resume(id), node.resume(id), node.resume(id)]);
    const results = [plain, ...clones].map(({ result }) => result as { pid: number; random: string });
    assert.equal(new Set(results.map(({ pid }) => pid)).size, 4);
    assert.equal(new Set(results.map(({ random }) => random)).size, 4);
    await node.forget(action);
  });
});

describe('what cannot be captured', () => {
  it('is a run that has not begun, or has ended', async () => {
    const action = sourceAction(
      NODEJS,
      `const end = Date.now() + 200; while (Date.now() < end); exports.main = () => ({});`,
    );
    const cold = node.invoke(action, {}, { id: 'cold' });
    assert.equal(
      node.running().find(({ id }) => id === 'cold'),
      undefined,
    );
    await turn();
    assert.equal(node.running().find(({ id }) => id === 'cold')?.phase, 'starting');
    await assert.rejects(node.capture('cold'), { code: 'not_running', message: /has not begun to run/ });
    await cold;
    await assert.rejects(node.capture('cold'), { code: 'unknown_activation' });
    await assert.rejects(node.capture(''), { code: 'unknown_activation' });
    assert.deepEqual(node.running(), []);
    await node.forget(action);
  });

  it('is told apart however the capture and the answer race', async () => {
    const action = sourceAction(PYTHON, `def main(args):\n    return {'n': args['n']}`);
    await node.invoke(action, { n: 0 });
    let captured = 0;
    for (let n = 1; n <= 60; n++) {
      const id = `race-${n}`;
      const running = node.invoke(action, { n }, { id });
      const snapshot = await node.capture(id).catch((error) => {
        assert.match(error.code, /^(not_running|unknown_activation)$/);
        return undefined;
      });
      assert.deepEqual((await running).result, { n });
      if (snapshot !== undefined) {
        captured += 1;
        assert.deepEqual((await node.resume(snapshot.id)).result, { n });
        await node.dropSnapshot(snapshot.id);
      }
    }
    const { snapshots, busyUcs } = node.stats();
    const left = snapshots.filter(({ kind, of }) => kind === 'capture' && of === action.name);
    assert.deepEqual(left, [], `of ${captured}`);
    assert.equal(busyUcs, 0);
    await node.forget(action);
  });

  it('is one of two activations with the same id', async () => {
    const action = sourceAction(PYTHON, `import time\ndef main(args):\n    time.sleep(0.05)\n    return {}`);
    const first = node.invoke(action, {}, { id: 'twin' });
    await untilItRuns('twin');
    await assert.rejects(node.invoke(action, {}, { id: 'twin' }), { code: 'duplicate_id' });
    await first;
    await node.forget(action);
  });
});

describe('snapshots', () => {
  it('tell what they are made of', async () => {
    const action = sourceAction(NODEJS, `exports.main = () => ({});`);
    await node.invoke(action, {});
    const { snapshots } = node.stats();
    const own = snapshots.find(({ of }) => of === action.name) as SnapshotInfo;
    const details = await node.inspect(own.id);
    assert.equal(details.kind, 'function');
    assert.ok(details.ownBytes > 0 && details.ownPages > 0 && details.sharedPages > details.ownPages);
    assert.equal(details.memoryMap.length, details.maps);
    assert.ok(details.memoryMap.some(({ source, access }) => source === '/usr/bin/node' && access === 'r-x'));
    assert.ok(details.form === 'words' || details.memoryMap.some(({ source }) => source === 'own'));
    assert.deepEqual(Object.keys(details.registers).length, 20);
    const runtime = await node.inspect(own.parent as string);
    assert.deepEqual([runtime.kind, runtime.parent, runtime.of], ['runtime', null, NODEJS]);
    // It waits for its first message, for the driver's readSync().
    assert.match(runtime.programCounter.symbol ?? '', /library OS/);
    await node.forget(action);
  });

  it('differ from their parents in what was written since', async () => {
    const action = sourceAction(PYTHON, `def main(args): return {}`);
    await node.invoke(action, {});
    const own = node.stats().snapshots.find(({ of }) => of === action.name) as SnapshotInfo;
    const diff = await node.diff(own.parent as string, own.id);
    assert.ok(diff.pages.bytes > 0 && diff.words > 0 && diff.words <= diff.pages.bytes * 512);
    const pages = diff.runs.reduce((sum, { bytes }) => sum + bytes / 4096, 0);
    assert.equal(
      pages,
      Object.values(diff.pages).reduce((sum, count) => sum + count, 0),
    );
    const back = await node.diff(own.id, own.parent as string);
    assert.deepEqual([back.pages.bytes, back.pages.onlyA], [diff.pages.bytes, diff.pages.onlyB]);
    assert.deepEqual((await node.diff(own.id, own.id)).runs, []);
    await node.forget(action);
  });

  it('are dropped on demand, but for those that all need', async () => {
    const action = sourceAction(PYTHON, `import time\ndef main(args):\n    time.sleep(0.1)\n    return {}`);
    const { snapshots } = await capturedRun(action, {}, 2);
    const own = node.stats().snapshots.find(({ of, kind }) => of === action.name && kind === 'function');
    assert.ok(own);
    await assert.rejects(node.dropSnapshot(own.parent as string), { code: 'snapshot_pinned' });
    await assert.rejects(node.resume(own.id), { code: 'not_resumable' });
    for (const call of ['inspect', 'resume', 'dropSnapshot'] as const) {
      await assert.rejects(node[call]('0'.repeat(16)), { code: 'unknown_snapshot' });
    }
    await node.dropSnapshot(own.id);
    await node.dropIdle(action);
    assert.equal((await node.invoke(action, {})).path, 'cold');
    // Those of an action that was updated or deleted go with it.
    assert.equal((await node.resume((snapshots[0] as SnapshotInfo).id)).status, 'success');
    await node.forget(action);
    assert.deepEqual(
      node.stats().snapshots.filter(({ of }) => of === action.name),
      [],
    );
    await assert.rejects(node.resume((snapshots[0] as SnapshotInfo).id), { code: 'unknown_snapshot' });
  });
});
