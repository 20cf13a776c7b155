/**
 * What runs have drawn from random sources is in no snapshot that others start from, unless each
 * clone has it renewed: a context whose function keeps something of it is not recaptured.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as turn } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { lastingRepeat, type Pair, repeatedValue } from '../../src/node/background/repeats.ts';
import { RunTimes } from '../../src/node/background/run-times.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { type Answer, answerOf, assertAllDiffer } from '../support/clones.ts';

const RUNS = 40;
const CLONES = 6;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON], without: ['recapture'] });
});
after(() => node?.close());

async function runs(action: Action, count = RUNS): Promise<void> {
  for (let run = 0; run < count; run++) {
    answerOf(await node.invoke(action, {}));
  }
}

/** What clones answer, started one after the other. */
async function clones(action: Action): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let clone = 0; clone < CLONES; clone++) {
    await node.dropIdle(action);
    const activation = await node.invoke(action, {});
    assert.equal(activation.path, 'warm');
    answers.push(answerOf(activation));
  }
  return answers;
}

type Case = readonly [what: string, kind: string, source: string];

const CRYPTO = "const crypto = require('node:crypto');";

const RECAPTURED: readonly Case[] = [
  [
    'values of each source in each run',
    NODEJS,
    `${CRYPTO}
     exports.main = async () => ({
       math: Math.random(), uuid: crypto.randomUUID(), int: crypto.randomInt(2 ** 47),
       bytes: crypto.randomBytes(16).toString('hex'),
       web: [...globalThis.crypto.getRandomValues(new Uint32Array(4))],
       later: await new Promise((resolve) =>
         crypto.randomBytes(8, (_, bytes) => resolve(bytes.toString('hex')))) });`,
  ],
  [
    'a few bytes that tell processes apart, drawn by the first run, and a counter',
    NODEJS,
    `${CRYPTO} let own, count = 0;
     exports.main = () => {
       own ??= crypto.randomBytes(5);
       return { id: own.toString('hex') + ++count };
     };`,
  ],
  [
    'such bytes, drawn when the code is loaded',
    NODEJS,
    `${CRYPTO} const own = globalThis.crypto.getRandomValues(new Uint8Array(5));
     exports.main = () => ({ id: own.join() });`,
  ],
  [
    'a stock of which each run takes the same',
    NODEJS,
    `${CRYPTO}const pool = new Uint8Array(256); let at = 256;
     exports.main = () => {
       if (at + 16 > 256) { crypto.randomFillSync(pool); at = 0; }
       return { id: pool.slice(at, at += 16).join() };
     };`,
  ],
  [
    'values of each source in each run',
    PYTHON,
    `import os, random, secrets, ssl, uuid
own = random.Random()
def main(args):
    return {'random': random.random(), 'own': own.random(), 'made': random.Random().random(),
        'uuid': str(uuid.uuid4()), 'secret': secrets.token_hex(), 'urandom': os.urandom(16).hex(),
        'getrandom': os.getrandom(16).hex(), 'ssl': ssl.RAND_bytes(16).hex(),
        'below': secrets.randbelow(2 ** 62)}`,
  ],
];

/** Each run draws alike, but the first one's value is kept: only what clones answer tells. */
const ALIKE: readonly Case[] = [
  [
    'result.own',
    NODEJS,
    `let own; exports.main = () => { const id = crypto.randomUUID(); own ??= id; return { id, own }; };`,
  ],
  [
    'result.id',
    NODEJS,
    `let node;
     exports.main = () => {
       const drawn = crypto.getRandomValues(new Uint8Array(16)); node ??= Array.from(drawn.subarray(10));
       const id = [drawn[0], drawn[1], ...node].map((byte) => byte.toString(16).padStart(2, '0')).join('');
       return { id };
     };`,
  ],
  [
    'result.last',
    NODEJS,
    `let last;
     exports.main = () => { const answer = { last }; last = Math.random().toString(36); return answer; };`,
  ],
  [
    'result.list.1',
    PYTHON,
    `import uuid
own = None
def main(args):
    global own
    drawn = uuid.uuid4().hex
    own = own or 'x-' + drawn[5:20]
    return {'list': [drawn, own]}`,
  ],
];

const KEPT: readonly Case[] = [
  [
    'Math.random',
    NODEJS,
    'let own; exports.main = () => ({ id: (own ??= Math.random()), other: Math.random() });',
  ],
  ['Math.random', NODEJS, 'const own = Math.random(); exports.main = () => ({ id: own });'],
  [
    'crypto.randomUUID',
    NODEJS,
    `${CRYPTO} let own;
     exports.main = () => { own ??= crypto.randomUUID(); return { id: own, other: crypto.randomUUID() }; };`,
  ],
  [
    'crypto.randomUUID',
    NODEJS,
    `let runs = 0, own;
     exports.main = () => { if (++runs === 20) own = crypto.randomUUID(); return { id: own ?? '' }; };`,
  ],
  [
    'crypto.randomBytes, a buffer of 16 bytes',
    NODEJS,
    `${CRYPTO} let last;
     exports.main = () => { last = crypto.randomBytes(16); return { id: last.toString('hex') }; };`,
  ],
  [
    'crypto.getRandomValues, a buffer of 32 bytes',
    NODEJS,
    `let part;
     exports.main = () => {
       part = crypto.getRandomValues(new Uint8Array(32)).subarray(4, 5);
       return { id: part[0] };
     };`,
  ],
  [
    'crypto.randomFill, a buffer of 12 bytes',
    NODEJS,
    `${CRYPTO} const all = [];
     exports.main = () => new Promise((resolve) =>
       crypto.randomFill(new Uint8Array(12), (_, bytes) => { all.push(bytes); resolve({}); }));`,
  ],
  [
    'crypto.randomFillSync, a stock of 256 bytes',
    NODEJS,
    `${CRYPTO} let pool, own;
     exports.main = () => {
       pool ??= crypto.randomFillSync(new Uint8Array(256));
       own ??= pool.slice(0, 16).join();
       return { id: own };
     };`,
  ],
  [
    'crypto.randomFillSync, a stock of 256 bytes',
    NODEJS,
    `${CRYPTO}const pool = new Uint8Array(256); let at = 256, own;
     const take = () => {
       if (at + 16 > 256) { crypto.randomFillSync(pool); at = 0; }
       return pool.slice(at, at += 16).join();
     };
     exports.main = () => { own ??= take(); return { own, id: take() }; };`,
  ],
  [
    'crypto.generateKeyPairSync',
    NODEJS,
    `${CRYPTO} let key;
     exports.main = () => {
       key ??= crypto.generateKeyPairSync('ed25519').publicKey;
       return { id: key.export({ format: 'jwk' }).x };
     };`,
  ],
  [
    'native code',
    NODEJS,
    `const fs = require('node:fs'); let own;
     exports.main = () => {
       if (own === undefined) {
         const fd = fs.openSync('/dev/urandom');
         own = Buffer.alloc(8);
         fs.readSync(fd, own);
         fs.closeSync(fd);
       }
       return { id: own.toString('hex') };
     };`,
  ],
  [
    'worker threads',
    NODEJS,
    `const { Worker } = require('node:worker_threads'); let own;
     const program = "require('worker_threads').parentPort.postMessage(Math.random())";
     exports.main = async () => ({ id: own ??= await new Promise((resolve) =>
       new Worker(program, { eval: true }).once('message', resolve)) });`,
  ],
  [
    'random',
    PYTHON,
    `import random
own = None
def main(args):
    global own
    own = own or random.random()
    return {'id': own, 'other': random.random()}`,
  ],
  [
    'random.Random',
    PYTHON,
    `import random
own = None
def main(args):
    global own
    own = own or random.Random()
    return {'id': own.random()}`,
  ],
  [
    'os.urandom',
    PYTHON,
    `import secrets
own = secrets.token_hex()
def main(args):
    return {'id': own}`,
  ],
  [
    'native code',
    PYTHON,
    `import ctypes
libc = ctypes.CDLL(None)
def main(args):
    return {'id': libc.arc4random()}`,
  ],
];

describe('a context is recaptured that has drawn', () => {
  for (const [what, kind, source] of RECAPTURED) {
    it(`${what} (${kind})`, async () => {
      const action = sourceAction(kind, source);
      await runs(action);
      assert.equal(await node.recapture(action), true);
      assertAllDiffer(await clones(action));
      await node.forget(action);
    });
  }
});

describe('a context is not recaptured that keeps', () => {
  for (const [what, kind, source] of KEPT) {
    it(`${what} (${kind})`, async () => {
      const action = sourceAction(kind, source);
      await runs(action);
      const message = new RegExp(`random: ${what}`);
      await assert.rejects(node.recapture(action), { code: 'keeps_random', message });
      await clones(action);
      const all = node.stats().snapshots.filter(({ of }) => of === action.name);
      assert.deepEqual(
        all.map(({ warmed }) => warmed),
        [undefined],
      );
      await node.forget(action);
    });
  }

  for (const [what, kind, source] of ALIKE) {
    it(`a value that each run might have drawn (${what}, ${kind})`, async () => {
      const action = sourceAction(kind, source);
      await runs(action);
      const message = new RegExp(`alike: ${what}\\)`);
      await assert.rejects(node.recapture(action), { code: 'keeps_random', message });
      await node.forget(action);
    });
  }

  it('what its own warmup has drawn', async () => {
    const source = 'let own; exports.main = () => ({ id: (own ??= Math.random()) });';
    const warmup = { args: {}, runs: 10 };
    const action = sourceAction(NODEJS, source, { policy: { startsFrom: 'fresh', specialize: [], warmup } });
    await runs(action, 1);
    await assert.rejects(node.recapture(action), { code: 'keeps_random' });
    await runs(action, 1);
    assert.deepEqual([node.stats().idleUcs, node.stats().busyUcs], [0, 0]);
    await node.forget(action);
  });
});

describe('the node by itself', () => {
  it('leaves a function as it is whose context keeps drawn values, and looks again later', async (test) => {
    const own = await startComputeNode({ preboot: [NODEJS], cores: 1 });
    try {
      const source = `let own; exports.main = () => ({ own: (own ??= Math.random()) });`;
      const action = sourceAction(NODEJS, source);
      test.mock.method(RunTimes.prototype, 'hot', () => 'worth-it');
      const { cores } = own as unknown as { cores: { nextSnapshot(): number } };
      const captures = test.mock.method(cores, 'nextSnapshot');
      for (let tries = 1; tries <= 3; tries++) {
        do {
          answerOf(await own.invoke(action, {}));
          await turn(20);
        } while (captures.mock.callCount() < 1 + tries);
      }
      assert.ok(own.stats().snapshots.every(({ warmed }) => warmed !== true));
    } finally {
      await own.close();
    }
  });
});

describe('results of clones', () => {
  const pair = (a: unknown, b: unknown): Pair => [JSON.stringify(a), JSON.stringify(b)];
  const compared: readonly (readonly [string, Pair, Pair, string | undefined])[] = [
    [
      'nothing random',
      pair({ n: 41, a: ['x'] }, { n: 41, a: ['x'] }),
      pair({ n: 1, a: ['x'] }, { n: 1, a: ['x'] }),
      undefined,
    ],
    [
      'other values',
      pair({ id: '1a2b3c4d' }, { id: '99887766' }),
      pair({ id: 'aabbccdd' }, { id: '55443322' }),
      undefined,
    ],
    ['the same value', pair({ id: 123 }, { id: 123 }), pair({ id: 456 }, { id: 789 }), 'result.id'],
    [
      'a part',
      pair([{ id: 'f0abcdef1' }], [{ id: '12abcdef3' }]),
      pair([{ id: '000000000' }], [{ id: '111111111' }]),
      'result.0.id',
    ],
    ['a time', pair({ at: 1234567 }, { at: 1234569 }), pair({ at: 1234571 }, { at: 1234578 }), undefined],
    ['short values', pair({ ms: 2 }, { ms: 2 }), pair({ ms: 1 }, { ms: 3 }), undefined],
    [
      'what only earlier runs can have left',
      pair({ last: 'abcdefgh' }, { last: 'abcdefgh' }),
      pair({}, {}),
      'result.last',
    ],
  ];
  for (const [what, warmed, before, path] of compared) {
    it(what, () => assert.equal(repeatedValue(warmed, before), path));
  }

  it('are compared again when ids have four characters in common, as random ones may', async () => {
    const before = pair({ id: '0f1e-2d3c' }, { id: '5a4b-6978' });
    const chance = pair({ id: 'abcd-1234' }, { id: '9bcd-5678' });
    const other = pair({ id: 'cdef-9876' }, { id: '1200-3456' });
    const kept = pair({ id: 'abcd-1234' }, { id: 'abcd-1234' });
    const told = async (...looks: Pair[]): Promise<string | undefined> => {
      const next = looks.values();
      return await lastingRepeat(async () => ({ recaptured: next.next().value ?? kept, before }));
    };
    assert.equal(repeatedValue(chance, before), 'result.id');
    assert.equal(await told(chance, other), undefined);
    assert.equal(await told(kept), 'result.id');
  });

  it('that are too long', () => {
    const long = JSON.stringify('x'.repeat(300_000));
    assert.match(repeatedValue([long, long], [long, long]) ?? '', /too long/);
  });
});
