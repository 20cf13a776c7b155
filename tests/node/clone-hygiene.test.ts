/**
 * Clones of one snapshot: what must differ between them, and what must be as if time had passed. A
 * test for each hazard of docs/reference/security.md.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { type Answer, answerOf, answersOfClones, assertAllDiffer } from '../support/clones.ts';

const CLONES = 5;
/** Time that passes between a capture and a deploy, many periods of the timers below. */
const GAP_MS = 120;
/** Between the clock of the host and one that was read in a UC on a busy machine. */
const CLOCK_SLACK_MS = 5000;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON], without: ['recapture'] });
});
after(() => node?.close());

async function assertClonesDiffer(kind: string, source: string): Promise<void> {
  const action = sourceAction(kind, source);
  assertAllDiffer(await answersOfClones(node, action, CLONES));
  await node.forget(action);
}

/** What a clone says that starts after the gap. */
async function answerAfterGap(action: Action): Promise<Answer> {
  answerOf(await node.invoke(action, {}));
  await node.dropIdle(action);
  await pass(GAP_MS);
  const activation = await node.invoke(action, {});
  assert.equal(activation.path, 'warm');
  await node.forget(action);
  return answerOf(activation);
}

describe('clones of a Node.js function', () => {
  it('draw their own Math.random', () =>
    assertClonesDiffer(NODEJS, 'Math.random(); exports.main = () => ({ math: Math.random() });'));

  it('draw their own Math.random in contexts of node:vm, old and new', () =>
    assertClonesDiffer(
      NODEJS,
      `const vm = require('vm');
       const old = vm.createContext(), script = new vm.Script('Math.random()');
       const draw = () => ({ old: script.runInContext(old), fresh: vm.runInNewContext('Math.random()'),
         script: script.runInNewContext(), vanilla: vm.runInContext('Math.random()', vm.createContext(vm.constants.DONT_CONTEXTIFY)) });
       draw();
       exports.main = draw;`,
    ));

  for (const when of ['old', 'new']) {
    it(`draw their own randomness in worker threads, ${when}`, () =>
      assertClonesDiffer(
        NODEJS,
        `const { Worker } = require('worker_threads');
       const start = () => new Worker(\`
         const { parentPort } = require('worker_threads'); const crypto = require('crypto');
         const draw = () => ({ math: Math.random(), uuid: crypto.randomUUID(), bytes: crypto.randomBytes(8).toString('hex'), pid: process.pid });
         draw();
         parentPort.on('message', () => parentPort.postMessage(draw()));\`, { eval: true });
       const ask = (worker) => new Promise((resolve) => { worker.once('message', resolve); worker.postMessage(0); });
       const old = ${when === 'old' ? 'start()' : 'undefined'};
       exports.main = () => ask(old ?? start());`,
      ));
  }

  it('draw their own values of node:crypto and Web Crypto', () =>
    assertClonesDiffer(
      NODEJS,
      `const crypto = require('crypto'); const web = globalThis.crypto;
       const draw = () => ({ uuid: crypto.randomUUID(), uuid7: crypto.randomUUIDv7?.() ?? crypto.randomUUID(), web: web.randomUUID(), int: crypto.randomInt(2 ** 47),
         bytes: crypto.randomBytes(16).toString('hex'), values: [...web.getRandomValues(new Uint32Array(4))],
         pair: crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x, prime: String(crypto.generatePrimeSync(64, { bigint: true })),
         key: crypto.generateKeySync('hmac', { length: 64 }).export().toString('hex') });
       draw();
       exports.main = async () => ({ ...draw(),
         later: await new Promise((resolve) => crypto.randomBytes(8, (_, b) => resolve(b.toString('hex')))),
         subtle: Buffer.from(await web.subtle.exportKey('raw', await web.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']))).toString('hex') });`,
    ));

  it('renew random bytes that packages have in stock, the few that tell processes apart, and no keys', async () => {
    const action = sourceAction(
      NODEJS,
      `const crypto = require('crypto');
       const stocks = { sync: crypto.randomFillSync(new Uint8Array(256)), web: globalThis.crypto.getRandomValues(Buffer.alloc(2688)), pool: crypto.randomFillSync(Buffer.alloc(8192)) };
       const key = crypto.randomFillSync(Buffer.alloc(64)), own = crypto.randomBytes(5);
       exports.main = () => ({ own: own.toString('hex'), ...Object.fromEntries(Object.entries(stocks).map(([name, bytes]) => [name, bytes.subarray(128, 144).join()])), KEY: key.toString('hex') });`,
    );
    const answers = await answersOfClones(node, action, CLONES);
    assert.equal(new Set(answers.map(({ KEY }) => KEY)).size, 1);
    assertAllDiffer(answers.map(({ KEY, ...rest }) => rest));
    await node.forget(action);
  });

  it('have TLS material of their own', () =>
    assertClonesDiffer(
      NODEJS,
      `const tls = require('tls'); const { once } = require('events');
       const key = Buffer.alloc(16, 1), ciphers = 'PSK', maxVersion = 'TLSv1.2';
       const handshake = async () => {
         const server = tls.createServer({ pskCallback: () => key, ciphers, maxVersion }).listen(0);
         await once(server, 'listening');
         const client = tls.connect({ port: server.address().port, pskCallback: () => ({ psk: key, identity: 'x' }), checkServerIdentity: () => undefined, ciphers, maxVersion });
         const [[accepted]] = await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]);
         const material = { finished: client.getFinished().toString('hex'), ticketKeys: server.getTicketKeys().toString('hex'),
           exported: client.exportKeyingMaterial(16, 'label', Buffer.alloc(0)).toString('hex') };
         client.destroy(); accepted.destroy(); server.close();
         return material;
       };
       const before = handshake();
       exports.main = async () => { await before; return handshake(); };`,
    ));

  it('read their own bytes from the kernel, and have ids and temporary names of their own', () =>
    assertClonesDiffer(
      NODEJS,
      `const fs = require('fs');
       const device = (path) => { const fd = fs.openSync(path); const b = Buffer.alloc(8); fs.readSync(fd, b); fs.closeSync(fd); return b.toString('hex'); };
       const draw = () => ({ urandom: device('/dev/urandom'), random: device('/dev/random'), proc: fs.readFileSync('/proc/sys/kernel/random/uuid', 'utf8'),
         pid: process.pid, link: fs.readlinkSync('/proc/self'), dir: fs.mkdtempSync('/tmp/x-') });
       draw();
       exports.main = draw;`,
    ));

  it('have the right time at once, and none goes back', async () => {
    const action = sourceAction(
      NODEJS,
      `const read = () => [Date.now(), performance.now(), Number(process.hrtime.bigint()), process.uptime()];
       const loaded = read();
       exports.main = async () => {
         const now = read();
         const drift = performance.timeOrigin + performance.now() - Date.now();
         await new Promise((resolve) => setTimeout(resolve, 30));
         return { now: now[0], forward: now.every((value, i) => value > loaded[i]), slept: performance.now() - now[1], drift };
       };`,
    );
    const { now, forward, slept, drift } = (await answerAfterGap(action)) as Record<string, number>;
    assert.equal(forward, true);
    assert.ok(Math.abs(Date.now() - (now ?? 0)) < CLOCK_SLACK_MS);
    assert.ok(Math.abs(drift ?? Number.NaN) < CLOCK_SLACK_MS);
    assert.ok((slept ?? 0) >= 29 && (slept ?? 0) < CLOCK_SLACK_MS, String(slept));
  });

  it('let timers that fell due fire once', async () => {
    const action = sourceAction(
      NODEJS,
      `let ticks = 0, shots = 0;
       setInterval(() => ticks++, 5); setTimeout(() => shots++, 10);
       exports.main = async () => {
         const before = ticks;
         for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
         const atOnce = ticks - before;
         await new Promise((resolve) => setTimeout(resolve, 20));
         return { atOnce, ticks, shots };
       };`,
    );
    const { atOnce, ticks, shots } = (await answerAfterGap(action)) as Record<string, number>;
    assert.ok((atOnce ?? 0) <= 2, String(atOnce));
    assert.ok((ticks ?? 0) > 0);
    assert.equal(shots, 1);
  });

  it('go on with connections inside of the context', async () => {
    const source = `import net from 'node:net'; import { once } from 'node:events';
      const server = net.createServer((socket) => socket.on('data', (data) => socket.write('echo ' + data))).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(server.address().port, '127.0.0.1');
      await once(client, 'connect');
      export async function main() { client.write(String(process.pid)); const [data] = await once(client, 'data'); return { echo: data.toString(), pid: process.pid }; }`;
    const action = sourceAction(NODEJS, source, { code: { type: 'source', source, filename: 'index.mjs' } });
    for (const { echo, pid } of await answersOfClones(node, action, CLONES)) {
      assert.equal(echo, `echo ${pid}`);
    }
    await node.forget(action);
  });

  it('say nothing again that was said before', async () => {
    const action = sourceAction(
      NODEJS,
      `process.stdout.write('unfinished'); console.log(' line'); process.stderr.write('partial');
       exports.main = () => { console.log('run'); return {}; };`,
    );
    for (let clone = 0; clone < CLONES; clone++) {
      const { logs } = await node.invoke(action, {});
      const lines = logs.map(({ line }) => line);
      assert.deepEqual(clone === 0 ? lines.slice(-1) : lines, ['run']);
      await node.dropIdle(action);
    }
    await node.forget(action);
  });
});

describe('a context that is put back to its snapshot, and clones of a captured run', () => {
  const sources: readonly (readonly [string, string])[] = [
    [
      NODEJS,
      `const crypto = require('crypto'); const vm = require('vm'); const { checkpoint } = require('seuss');
       const old = vm.createContext();
       const stock = crypto.randomFillSync(new Uint8Array(256));
       const draw = () => ({ math: Math.random(), vm: vm.runInContext('Math.random()', old), uuid: crypto.randomUUID(), bytes: crypto.randomBytes(8).toString('hex'), pid: process.pid, stock: stock.subarray(0, 16).join() });
       exports.main = (params) => { if (params.half) checkpoint(params); return draw(); };`,
    ],
    [
      PYTHON,
      `import os, random, secrets, uuid
from seuss import checkpoint
own = random.Random()
def main(args):
    if args.get("half"): checkpoint(args)
    return {"random": random.random(), "own": own.random(), "uuid": str(uuid.uuid4()), "secret": secrets.token_hex(), "pid": os.getpid()}`,
    ],
  ];
  for (const [kind, source] of sources) {
    it(`draw values of their own (${kind})`, async () => {
      const action = sourceAction(kind, source, { policy: { startsFrom: 'reset', specialize: [] } });
      const answers: Answer[] = [];
      for (let run = 0; run < 2 * CLONES; run++) {
        answers.push(answerOf(await node.invoke(action, {})));
      }
      assertAllDiffer(answers);
      await node.forget(action);

      const half = sourceAction(kind, source);
      const paths = new Set<string>();
      const later: Answer[] = [];
      for (let run = 0; run < 2 * CLONES; run++) {
        const activation = await node.invoke(half, { half: true });
        paths.add(activation.path);
        later.push(answerOf(activation));
        await node.dropIdle(half);
      }
      assert.ok(paths.has('argument'), [...paths].join());
      assertAllDiffer(later);
      await node.forget(half);
    });
  }
});

describe('clones of a Python function', () => {
  it('draw their own values of the module random, of its instances and of numpy', () =>
    assertClonesDiffer(
      PYTHON,
      `import random
class Own(random.Random): pass
own, sub = random.Random(), Own()
try:
    from numpy import random as n
    numpy = [n.default_rng(), n.RandomState(), n.Generator(n.MT19937()), n]
    spawning = n.SeedSequence()
except ImportError:
    numpy = []
def draw():
    values = {'random': random.random(), 'gauss': random.gauss(0, 1), 'own': own.random(), 'ownGauss': own.gauss(0, 1), 'sub': sub.random(), 'system': random.SystemRandom().random()}
    values |= {f'numpy{i}': float(g.normal()) for i, g in enumerate(numpy)}
    if numpy: values['spawned'] = float(n.default_rng(spawning.spawn(1)[0]).random())
    return values
draw()
def main(args):
    return draw()`,
    ));

  it('go on with generators that were given a seed', async () => {
    const action = sourceAction(
      PYTHON,
      `import random
seeded, restored = random.Random(5), random.Random()
restored.setstate(seeded.getstate())
try:
    from numpy.random import default_rng
    numpy = default_rng(122807528840384100672342137672332424406)
except ImportError:
    numpy = random.Random(6)
def main(args):
    return {'seeded': seeded.random(), 'restored': restored.random(), 'numpy': float(numpy.random())}`,
    );
    const answers = await answersOfClones(node, action, CLONES);
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
    await node.forget(action);
  });

  it('draw their own secrets, UUIDs and TLS material', () =>
    assertClonesDiffer(
      PYTHON,
      `import secrets, ssl, uuid
def hello():
    # The first message of a handshake holds 32 random bytes.
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    try: context.wrap_bio(ssl.MemoryBIO(), out, server_hostname='x').do_handshake()
    except ssl.SSLWantReadError: pass
    return out.read()[11:43].hex()
def draw():
    return {'uuid1': str(uuid.uuid1()), 'node': uuid.uuid1().node, 'uuid4': str(uuid.uuid4()), 'secret': secrets.token_hex(), 'below': secrets.randbelow(2 ** 60), 'ssl': ssl.RAND_bytes(8).hex(), 'hello': hello()}
draw()
def main(args):
    return draw()`,
    ));

  it('read their own bytes from the kernel and the C library, and have ids and temporary names of their own', () =>
    assertClonesDiffer(
      PYTHON,
      `import ctypes, os, tempfile, threading
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_void_p
libc.arc4random.restype = ctypes.c_uint32
AT_RANDOM = 25
def device(path):
    with open(path, 'rb') as f: return f.read(8).hex()
def draw():
    return {'urandom': os.urandom(8).hex(), 'getrandom': os.getrandom(8).hex(), 'random': device('/dev/random'), 'proc': open('/proc/sys/kernel/random/uuid').read(),
        'auxv': ctypes.string_at(libc.getauxval(AT_RANDOM), 16).hex(), 'arc4random': libc.arc4random() << 32 | libc.arc4random(), 'pid': os.getpid(), 'native': libc.getpid(), 'tempfile': tempfile.mktemp(), 'file': tempfile.NamedTemporaryFile().name}
draw()
def main(args):
    return draw()`,
    ));

  it('have the right time at once, and none goes back', async () => {
    const action = sourceAction(
      PYTHON,
      `import time
CLOCKS = [time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME, time.CLOCK_PROCESS_CPUTIME_ID]
def read(): return [time.time(), time.monotonic(), time.perf_counter()] + [time.clock_gettime(c) for c in CLOCKS]
loaded = read()
def main(args):
    now = read()
    time.sleep(0.03)
    return {'now': now[0] * 1000, 'forward': all(a > b for a, b in zip(now, loaded)), 'slept': (time.monotonic() - now[1]) * 1000}`,
    );
    const { now, forward, slept } = (await answerAfterGap(action)) as Record<string, number>;
    assert.equal(forward, true);
    assert.ok(Math.abs(Date.now() - (now ?? 0)) < CLOCK_SLACK_MS);
    assert.ok((slept ?? 0) >= 29 && (slept ?? 0) < CLOCK_SLACK_MS, String(slept));
  });

  it('let timers that fell due fire once', async () => {
    const action = sourceAction(
      PYTHON,
      `import signal, threading, time
alarms = []
shots = []
signal.signal(signal.SIGALRM, lambda *_: alarms.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
threading.Timer(0.01, lambda: shots.append(1)).start()
def main(args):
    before = len(alarms)
    for _ in range(1000): pass
    at_once = len(alarms) - before
    end = time.monotonic() + 0.05
    while time.monotonic() < end: time.sleep(0.005)
    return {'atOnce': at_once, 'alarms': len(alarms), 'shots': len(shots)}`,
    );
    const { atOnce, alarms, shots } = (await answerAfterGap(action)) as Record<string, number>;
    assert.ok((atOnce ?? 0) <= 2, String(atOnce));
    assert.ok((alarms ?? 0) > 0);
    assert.equal(shots, 1);
  });

  it('go on with connections inside of the context', async () => {
    const action = sourceAction(
      PYTHON,
      `import os, socket
listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
accepted, _ = listener.accept()
left, right = socket.socketpair()
client.sendall(b'before ')
def main(args):
    client.sendall(str(os.getpid()).encode())
    left.sendall(b'pair')
    return {'tcp': accepted.recv(100).decode(), 'pair': right.recv(100).decode(), 'pid': os.getpid()}`,
    );
    for (const { tcp, pair, pid } of await answersOfClones(node, action, CLONES)) {
      assert.deepEqual([tcp, pair], [`before ${pid}`, 'pair']);
    }
    await node.forget(action);
  });

  it('say nothing again that was said before, the C library neither', async () => {
    const action = sourceAction(
      PYTHON,
      `import ctypes, sys
libc = ctypes.CDLL(None)
print('unfinished', end='')
libc.printf(b'native unfinished')
sys.stderr.write('partial')
def main(args):
    libc.puts(b' native run')
    print('run')
    return {}`,
    );
    for (let clone = 0; clone < CLONES; clone++) {
      const { logs } = await node.invoke(action, {});
      const text = logs.map(({ line }) => line).join('\n');
      assert.match(text, /native run/);
      assert.equal(/unfinished|partial/.test(text), clone === 0, text);
      await node.dropIdle(action);
    }
    await node.forget(action);
  });

  it('are killed unless they confirm that they are reseeded', async () => {
    const action = sourceAction(
      PYTHON,
      `import seuss_driver.channel
write = seuss_driver.channel.Channel.write
seuss_driver.channel.Channel.write = lambda self, line: write(self, line.replace(',"seeded":true', '') if '"result"' in line else line)
def main(args):
    return {}`,
    );
    answerOf(await node.invoke(action, {}));
    await node.dropIdle(action);
    const { idleUcs, busyUcs } = node.stats();
    assert.equal((await node.invoke(action, {})).status, 'whisk internal error');
    assert.deepEqual([node.stats().idleUcs, node.stats().busyUcs], [idleUcs, busyUcs]);
    await node.forget(action);
  });
});
