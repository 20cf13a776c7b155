/**
 * Many clones of one snapshot, each with its values of every random source: none comes twice.
 * 20,000 with SEUSS_STRESS=1.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { answerOf } from '../support/clones.ts';

const CLONES = process.env.SEUSS_STRESS === '1' ? 20_000 : 400;
/** Invocations under way at once. */
const AT_ONCE = 8;

const SOURCES: readonly (readonly [string, string])[] = [
  [
    NODEJS,
    `const crypto = require('crypto'); const vm = require('vm'); const fs = require('fs');
     const old = vm.createContext(), script = new vm.Script('Math.random()');
     const stock = crypto.randomFillSync(new Uint8Array(256));
     const device = () => {
       const fd = fs.openSync('/dev/urandom');
       const b = Buffer.alloc(16);
       fs.readSync(fd, b);
       fs.closeSync(fd);
       return b.toString('hex');
     };
     const draw = () => [Math.random(), script.runInContext(old), vm.runInNewContext('Math.random()'),
       crypto.randomUUID(), globalThis.crypto.randomUUID(),
       crypto.randomInt(2 ** 48 - 1), crypto.randomBytes(16).toString('hex'),
       [...globalThis.crypto.getRandomValues(new Uint32Array(4))].join(), device(), 'pid ' + process.pid,
       fs.readFileSync('/proc/sys/kernel/random/uuid', 'utf8'),
       Buffer.from(stock.subarray(0, 16)).toString('hex')];
     draw();
     exports.main = () => ({ values: draw() });`,
  ],
  [
    PYTHON,
    `import ctypes, os, random, secrets, ssl, tempfile, uuid
own = random.Random()
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_void_p
def draw():
    return [random.random(), random.getrandbits(128), own.random(), random.SystemRandom().random(),
        str(uuid.uuid1()), str(uuid.uuid4()), secrets.token_hex(), os.urandom(16).hex(),
        ssl.RAND_bytes(16).hex(), tempfile.mktemp(), 'pid %d' % os.getpid(),
        ctypes.string_at(libc.getauxval(25), 16).hex(), open('/proc/sys/kernel/random/uuid').read()]
draw()
def main(args):
    return {'values': draw()}`,
  ],
];

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

describe(`${CLONES} clones`, () => {
  for (const [kind, source] of SOURCES) {
    it(`draw no value twice (${kind})`, { timeout: 3_600_000 }, async () => {
      const action = sourceAction(kind, source, { policy: { startsFrom: 'fresh', specialize: [] } });
      const seen = new Set<unknown>();
      let drawn = 0;
      let left = CLONES;
      const take = async (): Promise<void> => {
        while (left-- > 0) {
          const { values } = answerOf(await node.invoke(action, {})) as { values: unknown[] };
          drawn += values.length;
          for (const value of values) {
            seen.add(value);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, take));
      assert.equal(seen.size, drawn);
      assert.ok(node.stats().warm > 0);
      await node.forget(action);
    });
  }
});
