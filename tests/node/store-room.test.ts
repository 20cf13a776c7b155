/** Memory and disks that are too small, and folders that go away. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ActionFiles } from '../../src/catalog/action-files.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { numberedAction, PYTHON } from '../support/actions.ts';
import { mounted, remount } from '../support/mounts.ts';
import {
  allStored,
  newestStored,
  openNode,
  storeFolder,
  storeOf,
  strayFiles,
  withStore,
} from '../support/stores.ts';

const COUNT = 8;
const numbers = Array.from({ length: COUNT }, (_, n) => n);

async function answer(node: ComputeNode, n: number): Promise<string> {
  const { path, result } = await node.invoke(numberedAction(n), {});
  assert.deepEqual(result, { n });
  return path;
}

describe('a store', () => {
  it('takes what memory has no room for, and gives it back', async (t) => {
    const dir = storeFolder(t);
    await withStore(
      dir,
      async (node) => {
        for (const n of numbers) assert.equal(await answer(node, n), 'cold');
        for (let turn = 0; turn < 3; turn++) {
          await allStored(node);
          const left = node.stats().snapshots.map(({ kind }) => kind);
          assert.deepEqual(left, ['runtime']);
          for (const n of numbers) assert.equal(await answer(node, n), 'warm');
        }
        assert.equal(storeOf(node.stats()).restored, 3 * COUNT);
        assert.deepEqual(node.reports.warnings, []);
      },
      { memoryBytes: 1 },
    );
    assert.deepEqual(strayFiles(dir), []);
  });

  it('holds its limit: what was not used for longest goes', async (t) => {
    const dir = storeFolder(t);
    const sizes = await withStore(dir, async (node) => {
      await answer(node, 0);
      await allStored(node);
      const { bytes } = storeOf(node.stats());
      await answer(node, 1);
      await allStored(node);
      return { bytes, ofFunction: storeOf(node.stats()).bytes - bytes };
    });
    const maxBytes = sizes.bytes + 3.5 * sizes.ofFunction;
    await withStore(
      dir,
      async (node) => {
        for (const n of numbers) {
          await answer(node, n);
          await newestStored(node);
          assert.ok(storeOf(node.stats()).bytes <= maxBytes);
        }
        const { snapshots } = node.stats();
        assert.equal(snapshots.filter(({ stored }) => stored).length, storeOf(node.stats()).snapshots);
        assert.ok(snapshots.some(({ kind, stored }) => kind === 'function' && !stored));
      },
      { maxBytes },
    );
    assert.deepEqual(strayFiles(dir), []);
    await withStore(dir, async (node) => {
      assert.equal(await answer(node, COUNT - 1), 'warm');
      assert.equal(await answer(node, 2), 'cold');
    });
  });

  it('that is full is told once, and all functions are served', async (t) => {
    const dir = mounted(t, 'mode=700,size=4m');
    if (dir === undefined) return;
    const node = await openNode(dir);
    t.after(() => node.close());
    for (const n of numbers) assert.equal(await answer(node, n), 'cold');
    for (const n of numbers) assert.equal(await answer(node, n), 'hot');
    await node.close();
    assert.equal(node.reports.warnings.length, 1, node.reports.warnings.join('\n'));
    assert.match(node.reports.warnings[0] as string, /no room left on the disk.*--store/);
    assert.deepEqual(strayFiles(dir), []);
    const files = new ActionFiles(dir);
    await assert.rejects(files.write('guest/f', [JSON.stringify({ code: 'x'.repeat(8 << 20) })]), {
      code: 'disk_full',
    });
    await files.write('guest/f', ['{"code":"x"}']);
    // With room again it is written.
    remount(dir, 'size=128m');
    await withStore(dir, async (again) => {
      await answer(again, 0);
    });
    await withStore(dir, async (again) => assert.equal(await answer(again, 0), 'warm'));
  });

  it('that cannot be written is told once, and all functions are served', async (t) => {
    const dir = mounted(t, 'ro,mode=700,size=4m');
    if (dir === undefined) return;
    const node = await openNode(join(dir, 'store'));
    t.after(() => node.close());
    assert.equal(await answer(node, 0), 'cold');
    assert.equal(node.stats().store, undefined);
    await node.close();
    assert.equal(node.reports.warnings.length, 1);
    assert.match(
      node.reports.warnings[0] as string,
      /cannot be used, snapshots are kept in memory alone: .*EROFS/,
    );
  });

  it('that is removed meanwhile is left to whoever makes it anew', async (t) => {
    const dir = join(storeFolder(t), 'store');
    const first = await openNode(dir);
    t.after(() => first.close());
    assert.equal(await answer(first, 0), 'cold');
    await allStored(first);
    rmSync(dir, { recursive: true });
    const second = await openNode(dir);
    t.after(() => second.close());
    await Promise.all([answer(first, 1), answer(second, 2)]);
    await allStored(second);
    assert.equal(await answer(first, 0), 'hot');
    await first.dropIdle(numberedAction(0));
    assert.equal(await answer(first, 0), 'warm');
    // What is there now is the other one's, by whatever name.
    await answer(second, 0);
    await allStored(second);
    await first.forget(numberedAction(0));
    await first.close();
    assert.equal(first.reports.warnings.length, 1);
    assert.match(first.reports.warnings[0] as string, /removed or replaced/);
    assert.equal(storeOf(second.stats()).snapshots, 3);
    await second.close();
    assert.deepEqual(second.reports.warnings, []);
    await withStore(dir, async (third) => {
      assert.deepEqual([await answer(third, 0), await answer(third, 2)], ['warm', 'warm']);
      assert.equal(await answer(third, 1), 'cold');
    });
  });

  it('is not made where there is none to be', async (t) => {
    const node = await openNode('/proc/seuss');
    t.after(() => node.close());
    assert.equal(await answer(node, 0), 'cold');
    await node.close();
    assert.equal(node.reports.warnings.length, 1);
    assert.equal(existsSync('/proc/seuss'), false);
    assert.deepEqual(node.reports.steps.at(-1), `Booting ${PYTHON}`);
  });
});
