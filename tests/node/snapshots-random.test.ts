/**
 * Runs that were captured half-way get no new seed from the node: what their clones draw differs
 * all the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const CLONES = 3;
const VALUES = 30_000;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

/** What a run says that is captured up to `most` times, and what clones of each capture say. */
async function capturedRun<T>(action: Action, params: object, most: number): Promise<[T, ...T[]][]> {
  await node.invoke(action, {});
  const running = node.invoke(action, params as never, { id: action.name });
  const ids: string[] = [];
  while (node.running()[0]?.phase !== 'running') await turn();
  while (ids.length < most && node.running().length > 0) {
    const snapshot = await node.capture(action.name).catch(() => undefined);
    if (snapshot !== undefined) ids.push(snapshot.id);
  }
  const said = resultOf<T>(await running);
  assert.ok(ids.length > 0);
  const families = ids.map(async (id): Promise<[T, ...T[]]> => {
    const clones = await Promise.all(Array.from({ length: CLONES }, () => node.resume(id)));
    return [said, ...clones.map((clone) => resultOf<T>(clone))];
  });
  const all = await Promise.all(families);
  await node.forget(action);
  return all;
}

function resultOf<T>({ status, result }: Activation): T {
  assert.equal(status, 'success', JSON.stringify(result));
  return result as T;
}

async function answers(action: Action): Promise<[object, ...object[]]> {
  const [family] = await capturedRun<object>(action, {}, 1);
  return family as [object, ...object[]];
}

/** Where two sequences differ first; -1 if they are equal. */
function firstDifference(a: readonly number[], b: readonly number[]): number {
  return a.findIndex((value, i) => value !== b[i]);
}

const LOOPS: [string, string, string][] = [
  [
    'Math.random in optimised code',
    NODEJS,
    `exports.main = ({ values = 10 }) => {
       const drawn = []; let x = 1;
       for (let i = 0; i < values; i++) {
         drawn.push(Math.random());
         for (let k = 0; k < 1000; k++) x = (x * 31 + k) | 0;
       }
       return { x, drawn };
     };`,
  ],
  [
    "Python's random",
    PYTHON,
    `import random
def main(args):
    drawn = []
    for i in range(args.get('values', 10)):
        drawn.append(random.random())
        for k in range(100): pass
    return {'drawn': drawn}`,
  ],
];

describe('clones of a captured run', () => {
  for (const [what, kind, source] of LOOPS) {
    it(`share nothing from the capture on: ${what}`, { timeout: 60_000 }, async () => {
      const families = await capturedRun<{ drawn: number[] }>(
        sourceAction(kind, source),
        { values: VALUES },
        3,
      );
      for (const [{ drawn: captured }, ...clones] of families) {
        const at = firstDifference(captured, clones[0]?.drawn ?? []);
        if (at < 0) continue; // Captured after the last draw.
        const later = new Set<number>();
        for (const { drawn } of clones) {
          // One value may have been drawn and not yet kept.
          assert.ok(Math.abs(firstDifference(captured, drawn) - at) <= 1);
          for (const value of drawn.slice(at + 1)) later.add(value);
        }
        assert.equal(later.size, CLONES * (VALUES - at - 1));
      }
    });
  }

  it('draw other values of every source: Node.js', async () => {
    const action = sourceAction(
      NODEJS,
      `const crypto = require('crypto');
       const draw = () => ({
         math: Math.random(), uuid: crypto.randomUUID(), web: globalThis.crypto.randomUUID(),
         int: crypto.randomInt(2 ** 47), bytes: crypto.randomBytes(16).toString('hex'),
         values: [...globalThis.crypto.getRandomValues(new Uint32Array(4))],
         vm: require('vm').runInNewContext('Math.random()'), pid: process.pid,
         dir: require('fs').mkdtempSync('/tmp/x-'),
       });
       exports.main = async () => {
         draw();
         await new Promise((resolve) => setTimeout(resolve, 100));
         return draw();
       };`,
    );
    assertAllDiffer(await answers(action));
  });

  it('draw other values of every source: Python', async () => {
    const action = sourceAction(
      PYTHON,
      `import os, random, secrets, ssl, tempfile, time, uuid
def draw():
    return {'random': random.random(), 'gauss': random.gauss(0, 1), 'bits': random.getrandbits(64),
        'node': uuid.uuid1().node, 'uuid4': str(uuid.uuid4()), 'secret': secrets.token_hex(),
        'ssl': ssl.RAND_bytes(8).hex(), 'temp': tempfile.mktemp(), 'pid': os.getpid(),
        'system': random.SystemRandom().random()}
def main(args):
    draw()
    time.sleep(0.1)
    return draw()`,
    );
    assertAllDiffer(await answers(action));
  });

  it("keep the sequence of a seed of the function's own", async () => {
    const action = sourceAction(
      PYTHON,
      `import random, time
def main(args):
    random.seed(7)
    a = [random.random(), random.gauss(0, 1)]
    time.sleep(0.1)
    return {'a': a, 'b': [random.gauss(0, 1), random.random(), random.getrandbits(30)]}`,
    );
    const [captured, ...clones] = await answers(action);
    for (const clone of clones) assert.deepEqual(clone, captured);
    // The next invocation that seeds with nothing, or from a snapshot, has its own again.
    const other = sourceAction(
      PYTHON,
      `import random, time
def main(args):
    random.seed(7)
    random.seed()
    time.sleep(0.1)
    return {'random': random.random()}`,
    );
    assertAllDiffer(await answers(other));
  });
});

describe('/dev/seuss-fresh', () => {
  it('refuses what it cannot keep, and forgives what is gone', async () => {
    const action = sourceAction(
      PYTHON,
      `import errno, mmap, os, struct, time
def fails(call):
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno]
def main(args):
    device = os.open('/dev/seuss-fresh', os.O_RDWR)
    keep = lambda addr, size: os.write(device, struct.pack('QQ', addr, size))
    memory = mmap.mmap(-1, 1 << 16)
    view = memoryview(memory)
    said = [fails(lambda: os.readv(device, [view[:4097]])),
        fails(lambda: os.readv(device, [view[:8], view[8:16]])),
        fails(lambda: os.write(device, b'x')), fails(lambda: keep(16, 8)),
        fails(lambda: keep(0x18000000, 8)), fails(lambda: keep(1 << 60, 8))]
    while True:
        at = len(said) * 64
        full = fails(lambda: os.readv(device, [view[at : at + 64]]))
        said.append(full)
        if full:
            break
    first = view[6 * 64 : 7 * 64].hex()
    view.release()
    memory.close()
    time.sleep(0.1)
    return {'said': said[:6], 'full': said[-1], 'filled': first != '00' * 64}`,
    );
    for (const { said, full, filled } of (await answers(action)) as {
      said: string[];
      full: string;
      filled: boolean;
    }[]) {
      assert.deepEqual(said, ['EINVAL', 'EINVAL', 'EINVAL', 'EFAULT', 'EFAULT', 'EFAULT']);
      assert.deepEqual([full, filled], ['ENOSPC', true]);
    }
  });
});

function assertAllDiffer(results: readonly object[]): void {
  for (const name of Object.keys(results[0] ?? {})) {
    const values = new Set(
      results.map((result) => JSON.stringify((result as Record<string, unknown>)[name])),
    );
    assert.equal(values.size, results.length, `${name}: ${[...values]}`);
  }
}
