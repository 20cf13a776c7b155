import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const MIB = 1 << 20;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node.close());

/** Of the function's snapshot: memory by the kernel's account, and as the node counts it. */
async function sizes(action: Action): Promise<{ real: number; counted: number }> {
  const own = node.stats().snapshots.find(({ of, kind }) => of === action.name && kind === 'function');
  const { id, ownBytes } = own as SnapshotInfo;
  return { real: (await node.inspect(id)).ownBytes, counted: ownBytes };
}

/** Each start makes a context that reads all of it. */
async function reads(action: Action, sum: number): Promise<void> {
  for (const path of ['cold', 'warm', 'warm']) {
    const { result, path: taken } = await node.invoke(action, {});
    assert.deepEqual([result, taken], [{ sum }, path]);
  }
}

describe('memory of which few pages were written', () => {
  const fresh = { policy: { ...sourceAction(NODEJS, '').policy, startsFrom: 'fresh' as const } };

  it('is read by clones at no cost of the snapshot (Node.js)', { timeout: 60_000 }, async () => {
    const action = sourceAction(
      NODEJS,
      `const all = Buffer.alloc(200 << 20);
       for (let at = 0; at < all.length; at += 4 << 20) all[at] = 1;
       exports.main = () => {
         let sum = 0;
         for (let at = 0; at < all.length; at += 4096) sum += all[at];
         return { sum };
       };`,
      fresh,
    );
    await reads(action, 50);
    const { real, counted } = await sizes(action);
    assert.ok(real < 20 * MIB && counted < 20 * MIB, `${real} bytes, ${counted} counted`);
  });

  it('is read by clones at no cost that was not counted (Python)', { timeout: 60_000 }, async () => {
    const action = sourceAction(
      PYTHON,
      `import mmap
memory = mmap.mmap(-1, 160 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(memory), 64 << 10):
    memory[at] = 1
def main(args):
    return {"sum": sum(memory[at] for at in range(0, len(memory), 4096))}`,
      fresh,
    );
    await reads(action, 2560);
    const { real, counted } = await sizes(action);
    assert.ok(real <= counted + MIB && counted <= 256 * MIB, `${real} bytes, ${counted} counted`);
  });
});
