/**
 * Clones of one snapshot: what must differ between them, and what must be as if time had passed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startComputeNode } from '../src/node/compute-node.ts';
import type { Action, ComputeNode } from '../src/node/types.ts';
import { NODEJS, PYTHON, sourceAction } from './support/actions.ts';

const CLONES = 6;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

/** What each of several UCs says that start from one snapshot of the function. */
async function answersOfClones(action: Action): Promise<Record<string, unknown>[]> {
  const answers: Record<string, unknown>[] = [];
  for (let i = 0; i < CLONES; i++) {
    const { result, path, status } = await node.invoke(action, {});
    assert.equal(status, 'success', JSON.stringify(result));
    assert.equal(path, i === 0 ? 'cold' : 'warm');
    answers.push(result as Record<string, unknown>);
    await node.dropIdle(action);
  }
  return answers;
}

function assertAllDiffer(answers: readonly Record<string, unknown>[]): void {
  for (const name of Object.keys(answers[0] ?? {})) {
    const values = new Set(answers.map((answer) => JSON.stringify(answer[name])));
    assert.equal(values.size, answers.length, `${name}: ${[...values]}`);
  }
}

describe('clones of a Node.js function', () => {
  it('draw different random values, also from sources used before the snapshot', async () => {
    const action = sourceAction(
      NODEJS,
      `const crypto = require('crypto'); const vm = require('vm');
       const { Worker } = require('worker_threads'); const fs = require('fs');
       const draw = () => ({
         math: Math.random(), vm: vm.runInNewContext('Math.random()'), uuid: crypto.randomUUID(), web: globalThis.crypto.randomUUID(),
         int: crypto.randomInt(2 ** 47), bytes: crypto.randomBytes(16).toString('hex'), values: [...globalThis.crypto.getRandomValues(new Uint32Array(4))],
         key: crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x,
         dir: fs.mkdtempSync('/tmp/x-'),
       });
       const read = () => { const fd = fs.openSync('/dev/urandom'); const b = Buffer.alloc(8); fs.readSync(fd, b); fs.closeSync(fd); return b.toString('hex'); };
       const all = () => ({ ...draw(), urandom: read() });
       all();
       async function main() {
         const worker = new Worker('require("worker_threads").parentPort.postMessage(Math.random())', { eval: true });
         const inWorker = await new Promise((resolve) => worker.once('message', resolve));
         const async = await new Promise((resolve) => crypto.randomBytes(8, (_, b) => resolve(b.toString('hex'))));
         return { ...all(), inWorker, async };
       }`,
    );
    assertAllDiffer(await answersOfClones(action));
  });

  it('see time go on', async () => {
    const action = sourceAction(
      NODEJS,
      `const loaded = [Date.now(), performance.now(), process.hrtime.bigint()];
       async function main() {
         const now = [Date.now(), performance.now(), process.hrtime.bigint()];
         const start = performance.now();
         await new Promise((resolve) => setTimeout(resolve, 30));
         return { forward: now.every((value, i) => value >= loaded[i]), slept: performance.now() - start };
       }`,
    );
    for (const { forward, slept } of await answersOfClones(action)) {
      assert.equal(forward, true);
      assert((slept as number) >= 29 && (slept as number) < 1000, String(slept));
    }
  });
});

describe('clones of a Python function', () => {
  it('draw different random values, also from sources used before the snapshot', async () => {
    const action = sourceAction(
      PYTHON,
      `import os, random, secrets, ssl, tempfile, uuid
def draw():
    with open('/dev/urandom', 'rb') as f: device = f.read(8).hex()
    return {'random': random.random(), 'gauss': random.gauss(0, 1), 'uuid1': uuid.uuid1().node, 'uuid4': str(uuid.uuid4()), 'secret': secrets.token_hex(),
        'ssl': ssl.RAND_bytes(8).hex(), 'tempfile': tempfile.mktemp(), 'device': device, 'pid': os.getpid(), 'system': random.SystemRandom().random()}
draw()
def main(args):
    return draw()`,
    );
    assertAllDiffer(await answersOfClones(action));
  });

  it('see time go on', async () => {
    const action = sourceAction(
      PYTHON,
      `import time
loaded = [time.time(), time.monotonic(), time.perf_counter()]
def main(args):
    now = [time.time(), time.monotonic(), time.perf_counter()]
    time.sleep(0.03)
    return {'forward': all(a >= b for a, b in zip(now, loaded)), 'slept': time.monotonic() - now[1]}`,
    );
    for (const { forward, slept } of await answersOfClones(action)) {
      assert.equal(forward, true);
      assert((slept as number) >= 0.029 && (slept as number) < 1, String(slept));
    }
  });
});
