/** Snapshots as objects: what can be learned of them, when they go, and when none is made. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { capturedRun, untilItRuns } from '../support/captured-runs.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

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
    await untilItRuns(node, 'twin');
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
    const { snapshots } = await capturedRun(node, action, {}, 2);
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
