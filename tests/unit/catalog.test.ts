/** The catalogue itself, of entities that are nothing but a name and what they weigh. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { describe as answerTo } from '../../src/api/errors.ts';
import { Catalog, type Entity, keyOf } from '../../src/catalog/catalog.ts';

interface Stone extends Entity {
  readonly bytes: number;
}

const GB = 1024 * 1024 * 1024;

let now = 0;
/** How often each is held. */
let held: Map<Stone, number>;
/** Keys on the disk. */
let saved: Set<string>;
/** What the next change has to wait for. */
let disk: Promise<void>;
let catalog: Catalog<Stone>;

beforeEach(() => {
  held = new Map();
  saved = new Set();
  disk = Promise.resolve();
  catalog = new Catalog<Stone>({
    bytesOf: ({ bytes }) => bytes,
    hold: (it) => {
      if (it.name === 'sand') return undefined;
      held.set(it, (held.get(it) ?? 0) + 1);
      return () => held.set(it, (held.get(it) ?? 0) - 1);
    },
    save: async (it) => {
      await disk;
      saved.add(keyOf(it));
    },
    erase: async (key) => {
      await disk;
      saved.delete(key);
    },
  });
});

function stone(name: string, bytes = 1, namespace = 'guest'): Stone {
  now += 1;
  return { namespace, name, updated: now, bytes };
}

/** Those that are held, each of which has to be held once. */
function heldOnes(): Stone[] {
  const some = [...held].filter(([, times]) => times !== 0);
  assert.ok(some.every(([, times]) => times === 1));
  return some.map(([each]) => each);
}

const full = { code: 'catalog_full' };
const changed = { code: 'concurrent_change' };

describe('a catalogue', () => {
  it('has what was put, by namespace and newest first', async () => {
    const [old, young, other] = [stone('b'), stone('a'), stone('a', 1, 'other')];
    for (const each of [old, young, other]) await catalog.put(each, undefined);
    assert.deepEqual(catalog.list('guest'), [young, old]);
    assert.deepEqual([catalog.get('other', 'a'), catalog.find('other', 'b')], [other, undefined]);
    assert.throws(() => catalog.get('other', 'b'), { code: 'unknown_entity' });
    assert.equal(await catalog.delete('guest', 'b'), old);
    await assert.rejects(catalog.delete('guest', 'b'), { code: 'unknown_entity' });
    assert.deepEqual([catalog.size, [...saved]], [2, ['guest/a', 'other/a']]);
    assert.deepEqual(heldOnes(), [young, other]);
  });

  it('puts nothing in place of what its caller has not seen', async () => {
    const [first, second, third] = [stone('a'), stone('a'), stone('a')];
    await assert.rejects(catalog.put(second, first), changed);
    await catalog.put(first, undefined);
    await assert.rejects(catalog.put(third, undefined), changed);
    await catalog.put(second, first);
    await assert.rejects(catalog.put(third, first), changed);
    assert.equal(catalog.get('guest', 'a'), second);
    assert.deepEqual(heldOnes(), [second]);
  });

  it('lets one change at a time of an entity reach the disk', async () => {
    const first = stone('a');
    await catalog.put(first, undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    disk = promise;
    const second = stone('a');
    const putting = catalog.put(second, first);
    const refused = [catalog.put(stone('a'), first), catalog.delete('guest', 'a')].map((each) =>
      assert.rejects(each, changed),
    );
    const another = catalog.put(stone('b'), undefined);
    assert.equal(catalog.get('guest', 'a'), first);
    resolve();
    await Promise.all([putting, another, ...refused]);
    assert.equal(catalog.get('guest', 'a'), second);
    assert.equal(heldOnes().length, 2);
  });

  it('is as it was when a change cannot be saved, or what an entity needs has gone', async () => {
    const first = stone('a', GB / 2);
    await catalog.put(first, undefined);
    await assert.rejects(catalog.put(stone('sand'), undefined), changed);
    assert.throws(() => catalog.add(stone('sand')), changed);
    const fault = new Error('no disk');
    for (let turn = 0; turn < 3; turn++) {
      for (const attempt of [
        () => catalog.put(stone('a', GB), first),
        () => catalog.put(stone('a', 0), first),
        () => catalog.put(stone('b', GB / 2), undefined),
        () => catalog.delete('guest', 'a'),
      ]) {
        disk = Promise.reject(fault);
        await assert.rejects(attempt(), fault);
      }
    }
    assert.deepEqual(catalog.list('guest'), [first]);
    assert.deepEqual(heldOnes(), [first]);
    // Neither more nor less is counted than before.
    disk = Promise.resolve();
    await catalog.put(stone('b', GB / 2), undefined);
    await assert.rejects(catalog.put(stone('c'), undefined), full);
  });

  it('lets go of what is too much, once a change is undone that has made room', async () => {
    const first = stone('a', GB);
    await catalog.put(first, undefined);
    const { promise, reject } = Promise.withResolvers<void>();
    disk = promise;
    const shrinking = assert.rejects(catalog.put(stone('a', 0), first), /no disk/);
    catalog.add(stone('b', GB));
    reject(new Error('no disk'));
    await shrinking;
    disk = Promise.resolve();
    await assert.rejects(catalog.put(stone('c'), undefined), full);
    const half = stone('a', GB / 2);
    await catalog.put(half, first);
    await catalog.delete('guest', 'b');
    assert.deepEqual(catalog.list('guest'), [half]);
    await catalog.put(stone('c', GB / 2), undefined);
  });

  it('holds a bounded number of entities and of bytes', async () => {
    const big = stone('big', GB - 1);
    await catalog.put(big, undefined);
    await catalog.put(stone('last'), undefined);
    await assert.rejects(catalog.put(stone('more'), undefined), full);
    assert.throws(() => catalog.add(stone('more')), full);
    await assert.rejects(catalog.put(stone('big', GB), big), full);
    const less = stone('big', 1);
    await catalog.put(less, big);
    for (let n = catalog.size; n < 100_000; n++) catalog.add(stone(`s${n}`));
    assert.throws(() => catalog.add(stone('more')), full);
    await catalog.put(stone('big', 2), less);
    await catalog.delete('guest', 'last');
    catalog.add(stone('more'));
    assert.equal(heldOnes().length, 100_000);
  });
});

it("what a catalogue refuses is answered in OpenWhisk's words", async () => {
  await catalog.put(stone('a', GB), undefined);
  const answerOf = (refused: Promise<unknown>) => refused.then(() => assert.fail(), answerTo);
  assert.deepEqual(await answerOf(catalog.put(stone('a'), undefined)), {
    status: 409,
    message: 'Concurrent modification to resource detected.',
  });
  assert.deepEqual(await answerOf(catalog.put(stone('b'), undefined)), {
    status: 413,
    message: 'This node holds 100000 actions and 1024 MB of code and parameters.',
  });
});
