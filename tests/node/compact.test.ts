import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import { DEFAULT_POLICY } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo, SnapshotKind } from '../../src/contract/snapshot.ts';
import type { JsonValue } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const KIB = 1024;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

function snapshotOf(action: Action, kind: SnapshotKind = 'function'): SnapshotInfo | undefined {
  return node.stats().snapshots.find((snapshot) => snapshot.of === action.name && snapshot.kind === kind);
}

/** The action's snapshot once it is compact; a core has to be idle for that. */
async function compacted(action: Action, kind: SnapshotKind = 'function'): Promise<SnapshotInfo> {
  const end = performance.now() + 10_000;
  for (;;) {
    const snapshot = snapshotOf(action, kind);
    if (snapshot?.compact === true) {
      return snapshot;
    }
    assert.ok(performance.now() < end, `${kind} snapshot: ${JSON.stringify(snapshot)}`);
    await sleep(10);
  }
}

async function result(action: Action, params: JsonValue, path: string): Promise<JsonValue> {
  const activation = await node.invoke(action, params);
  assert.deepEqual(
    [activation.status, activation.path],
    ['success', path],
    JSON.stringify(activation.result),
  );
  return activation.result;
}

/**
 * Functions whose memory has all sorts of things at the capture, and the same answer from each of
 * its clones.
 */
const FUNCTIONS: readonly (readonly [name: string, kind: string, source: string])[] = [
  [
    'a grown heap',
    NODEJS,
    `const tree = (depth) => depth === 0 ? [] : [tree(depth - 1), tree(depth - 1), { depth }];
     const kept = tree(9);
     const count = (node) =>
       Array.isArray(node) ? node.reduce((sum, child) => sum + count(child), 1) : node.depth;
     exports.main = () => ({ count: count(kept) });`,
  ],
  [
    'buffers and compiled code',
    NODEJS,
    `const buffer = Buffer.alloc(1 << 20);
     for (let i = 0; i < buffer.length; i += 4096) buffer.writeUInt32LE(i, i);
     const pattern = /(\\d+)-(\\w+)/g;
     const hash = (text) => require('node:crypto').createHash('sha256').update(text).digest('hex');
     for (let i = 0; i < 20000; i++) Math.hypot(i, buffer[i]);
     exports.main = () => ({
       at: buffer.readUInt32LE(4096 * 77), hash: hash(buffer), found: '12-ab 3-c'.replace(pattern, '$2'),
     });`,
  ],
  [
    'timers and files',
    NODEJS,
    `const { readFileSync, writeFileSync } = require('node:fs');
     writeFileSync('/tmp/kept', 'from the import '.repeat(1000));
     let ticks = 0;
     setInterval(() => { ticks += 1; }, 1).unref();
     exports.main = async () => {
       await new Promise((done) => setTimeout(done, 5));
       return { file: readFileSync('/tmp/kept').length, ticked: ticks > 0 };
     };`,
  ],
  [
    'objects and a native library',
    PYTHON,
    `import decimal, json, re, sqlite3
kept = {str(i): [i] * (i % 7) for i in range(3000)}
database = sqlite3.connect(":memory:")
database.execute("create table t (n integer)")
database.executemany("insert into t values (?)", [(i,) for i in range(500)])
def main(args):
    total = sum(len(values) for values in kept.values())
    return {"total": total, "sum": database.execute("select sum(n) from t").fetchone()[0],
            "root": str(decimal.Decimal(2).sqrt()), "json": json.dumps(kept["13"]),
            "found": re.findall("a+", "baab")}`,
  ],
  [
    'threads',
    PYTHON,
    `import queue, threading
jobs, done = queue.Queue(), queue.Queue()
def work():
    while True:
        done.put(jobs.get() * 2)
workers = [threading.Thread(target=work, daemon=True) for _ in range(4)]
for worker in workers:
    worker.start()
jobs.put(1)
done.get()
def main(args):
    for n in range(8):
        jobs.put(n)
    return {"sum": sum(done.get(timeout=5) for _ in range(8)), "alive": sum(w.is_alive() for w in workers)}`,
  ],
];

describe('a compact snapshot', () => {
  for (const [name, kind, source] of FUNCTIONS) {
    it(`holds ${name}`, { timeout: 60_000 }, async () => {
      const action = sourceAction(kind, source);
      const expected = await result(action, {}, 'cold');
      await compacted(action);
      // The first two without a template of their own, the others with one.
      for (let start = 1; start <= 6; start++) {
        await node.dropIdle(action);
        await sleep(start > 2 ? 20 : 0);
        assert.deepEqual(await result(action, {}, 'warm'), expected);
      }
      // All at once, on every core.
      await node.dropIdle(action);
      const answers = await Promise.all(Array.from({ length: 30 }, () => node.invoke(action, {})));
      for (const answer of answers) {
        assert.deepEqual([answer.status, answer.result], ['success', expected]);
      }
      await node.forget(action);
    });
  }

  // 53 KiB (Python: 33). In one context of forty V8 compiles a function while the code is loaded,
  // which makes it 97.
  for (const [kind, source, limit] of [
    [NODEJS, 'exports.main = () => ({});', 128],
    [PYTHON, 'def main(args):\n    return {}', 64],
  ] as const) {
    it(`of a function that does nothing takes less than ${limit} KiB (${kind})`, async () => {
      const action = sourceAction(kind, source);
      await result(action, {}, 'cold');
      const { ownBytes, ownPages } = await compacted(action);
      assert.ok(ownBytes > 0 && ownBytes < limit * KIB, `${ownBytes} bytes for ${ownPages} pages`);
      assert.ok(ownBytes < (ownPages * 4 * KIB) / 4, `${ownBytes} bytes for ${ownPages} pages`);
      await node.forget(action);
    });
  }

  it('is no use where most words differ', async () => {
    const action = sourceAction(
      NODEJS,
      `const random = require('node:crypto').randomBytes(2 << 20);
       const sum = () => random.reduce((total, byte) => (total * 31 + byte) >>> 0, 0);
       const expected = sum();
       exports.main = () => ({ same: sum() === expected });`,
    );
    await result(action, {}, 'cold');
    for (let runs = 0; runs < 4; runs++) {
      await node.dropIdle(action);
      assert.deepEqual(await result(action, {}, 'warm'), { same: true });
    }
    assert.equal(snapshotOf(action)?.compact, false);
    await node.forget(action);
  });

  it('serves demoted contexts, whenever they were demoted', { timeout: 60_000 }, async () => {
    const action = sourceAction(
      NODEJS,
      `let runs = 0;
       const kept = [];
       exports.main = () => ({ runs: ++runs, kept: kept.push(Buffer.alloc(1000, runs)) });`,
    );
    await node.invoke(action, {});
    assert.equal(await node.demoteIdle(action), 1);
    await compacted(action);
    assert.deepEqual(await result(action, {}, 'hot'), { runs: 2, kept: 2 });
    for (let turn = 1; turn <= 6; turn++) {
      await node.dropIdle(action);
      assert.deepEqual(await result(action, {}, 'warm'), { runs: 1, kept: 1 });
      for (let runs = 2; runs < 5; runs++) {
        assert.equal(await node.demoteIdle(action), 1);
        assert.ok((await node.idleMemory(action)).privateBytes < 160 * KIB);
        assert.deepEqual(await result(action, {}, 'hot'), { runs, kept: runs });
      }
    }
    await node.forget(action);
  });
});

/** Prepared by the first argument, which takes a while; answers by the second. */
const SPECIAL: readonly (readonly [kind: string, source: string])[] = [
  [
    NODEJS,
    `let loads = 0;
     const table = new Map();
     exports.main = async (args) => {
       const { rows } = args;
       loads += 1;
       for (let i = 0; i < rows; i++) table.set(i, { square: i * i });
       return { loads, square: table.get(args.key).square, size: table.size };
     };`,
  ],
  [
    PYTHON,
    `loads = 0
table = {}
def main(args):
    global loads
    rows = args["rows"]
    loads += 1
    for i in range(rows):
        table[i] = {"square": i * i}
    return {"loads": loads, "square": table[args["key"]]["square"], "size": len(table)}`,
  ],
];

describe('a lineage of compact snapshots', () => {
  for (const [kind, source] of SPECIAL) {
    it(`serves at every level (${kind})`, { timeout: 60_000 }, async () => {
      const action = sourceAction(kind, source, {
        policy: { ...DEFAULT_POLICY, specialize: [{ rows: 2000 }] },
      });
      const answer = (key: number, path: string) => result(action, { rows: 2000, key }, path);
      await node.invoke(action, { rows: 1, key: 0 });
      const parent = await compacted(action);
      await node.dropIdle(action);
      await node.invoke(action, { rows: 2000, key: 1 });
      const child = await compacted(action, 'argument');
      assert.equal(child.parent, parent.id);
      for (let turn = 2; turn < 8; turn++) {
        await node.dropIdle(action);
        assert.deepEqual(await answer(turn, 'argument'), { loads: 1, square: turn * turn, size: 2000 });
      }
      // The levels above serve others still.
      await node.dropIdle(action);
      assert.deepEqual(await result(action, { rows: 3, key: 2 }, 'warm'), { loads: 1, square: 4, size: 3 });
      await node.forget(action);
      assert.deepEqual(
        node.stats().snapshots.filter(({ of }) => of === action.name),
        [],
      );
    });
  }
});

describe('the account of snapshots', () => {
  it('has what each takes now', { timeout: 60_000 }, async () => {
    const actions = Array.from({ length: 12 }, (_, n) =>
      sourceAction(NODEJS, `exports.main = () => ({ n: ${n} });`),
    );
    for (const [n, action] of actions.entries()) {
      assert.deepEqual(await result(action, {}, 'cold'), { n });
    }
    const bytes = await Promise.all(actions.map(async (action) => (await compacted(action)).ownBytes));
    const details = await Promise.all(
      actions.map(async (action) => await node.inspect(snapshotOf(action)?.id ?? '')),
    );
    for (const [i, { form, ownBytes }] of details.entries()) {
      assert.equal(form, 'words');
      // The tender counts its own bookkeeping, too.
      assert.ok(Math.abs(ownBytes - (bytes[i] ?? 0)) <= 8 * KIB, `${ownBytes} and ${bytes[i]}`);
    }
    await Promise.all(actions.map((action) => node.forget(action)));
  });

  it('keeps pages where words are switched off', { timeout: 60_000 }, async () => {
    const plain = await startComputeNode({ preboot: [NODEJS], cores: 1, without: ['compaction'] });
    try {
      const action = sourceAction(NODEJS, 'exports.main = () => ({});');
      await plain.invoke(action, {});
      await sleep(200);
      const snapshot = plain.stats().snapshots.find(({ of }) => of === action.name);
      assert.deepEqual([snapshot?.compact, (snapshot?.ownBytes ?? 0) > 300 * KIB], [false, true]);
    } finally {
      await plain.close();
    }
  });
});

describe('a context that comes from a template of a compact snapshot', () => {
  it('is put back to that snapshot, not to what the template was made of', async () => {
    const action = sourceAction(
      PYTHON,
      'runs = 0\ndef main(args):\n    global runs\n    runs += 1\n    return {"runs": runs}',
      {
        policy: { ...DEFAULT_POLICY, startsFrom: 'reset' },
      },
    );
    await result(action, {}, 'cold');
    await compacted(action);
    const paths = new Set<string>();
    // The first deploys of a snapshot bring its template.
    for (let start = 0; start < 12; start++) {
      await node.dropIdle(action);
      for (let run = 0; run < 3; run++) {
        const activation = await node.invoke(action, {});
        assert.deepEqual(activation.result, { runs: 1 }, activation.path);
        paths.add(activation.path);
      }
    }
    assert.ok(paths.has('warm') && paths.has('hot'));
    await node.forget(action);
  });
});
