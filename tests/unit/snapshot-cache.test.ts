import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { SnapshotCache } from '../../src/snapshot/snapshot-cache.ts';
import { snapshot } from '../support/node-parts.ts';

describe('snapshot cache', () => {
  it('evicts what saves least per byte of the longest unused, no runtime, nothing being deployed', () => {
    const evicted: number[] = [];
    const cache = new SnapshotCache((victim) => evicted.push(victim.number));
    const list = [
      snapshot(1, { kind: 'runtime', savedMs: 0 }),
      snapshot(2, { savedMs: 9 }),
      snapshot(3, { savedMs: 1 }),
      snapshot(4, { savedMs: 0.5, deploying: 1 }),
      snapshot(5, { savedMs: 5 }),
    ];
    for (const each of list) {
      cache.add(each);
    }
    const all = cache.bytes;
    while (cache.evictOne() > 0) {
      // Until nothing may go.
    }
    assert.deepEqual(evicted, [3, 5, 2]);
    assert.equal(cache.bytes, (all / 5) * 2);
  });

  it('keeps what was used lately out of the choice', () => {
    const evicted: number[] = [];
    const cache = new SnapshotCache((victim) => evicted.push(victim.number));
    const list = Array.from({ length: 20 }, (_, i) => snapshot(i + 1, { savedMs: 100 - i }));
    for (const each of list) {
      cache.add(each);
    }
    cache.touch(list[15] as Snapshot);
    cache.evictOne();
    assert.deepEqual(evicted, [17]);
  });
});
