/**
 * Clones of one snapshot of Python: what must differ, and what must be as if time had passed.
 * A test for each hazard of docs/reference/security.md.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { PYTHON, sourceAction } from '../support/actions.ts';
import {
  answerAfterGap,
  answerOf,
  answersOfClones,
  assertClonesDiffer,
  assertStartsDiffer,
  CLOCK_SLACK_MS,
  CLONES,
} from '../support/clones.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [PYTHON], without: ['recapture'] });
});
after(() => node?.close());

describe('a context that is put back to its snapshot, and clones of a captured run', () => {
  it(`draw values of their own (${PYTHON})`, () =>
    assertStartsDiffer(
      node,
      PYTHON,
      `import os, random, secrets, uuid
from seuss import checkpoint
own = random.Random()
def main(args):
    if args.get("half"): checkpoint(args)
    return {"random": random.random(), "own": own.random(), "uuid": str(uuid.uuid4()),
            "secret": secrets.token_hex(), "pid": os.getpid()}`,
    ));
});

describe('clones of a Python function', () => {
  it('draw their own values of the module random, of its instances and of numpy', () =>
    assertClonesDiffer(
      node,
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
    values = {'random': random.random(), 'gauss': random.gauss(0, 1), 'own': own.random(),
              'ownGauss': own.gauss(0, 1), 'sub': sub.random(), 'system': random.SystemRandom().random()}
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
      node,
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
    return {'uuid1': str(uuid.uuid1()), 'node': uuid.uuid1().node, 'uuid4': str(uuid.uuid4()),
            'secret': secrets.token_hex(), 'below': secrets.randbelow(2 ** 60),
            'ssl': ssl.RAND_bytes(8).hex(), 'hello': hello()}
draw()
def main(args):
    return draw()`,
    ));

  it('read their own bytes from the kernel and libc, and have ids and temporary names of their own', () =>
    assertClonesDiffer(
      node,
      PYTHON,
      `import ctypes, os, tempfile, threading
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_void_p
libc.arc4random.restype = ctypes.c_uint32
AT_RANDOM = 25
def device(path):
    with open(path, 'rb') as f: return f.read(8).hex()
def draw():
    return {'urandom': os.urandom(8).hex(), 'getrandom': os.getrandom(8).hex(),
        'random': device('/dev/random'), 'proc': open('/proc/sys/kernel/random/uuid').read(),
        'auxv': ctypes.string_at(libc.getauxval(AT_RANDOM), 16).hex(),
        'arc4random': libc.arc4random() << 32 | libc.arc4random(), 'pid': os.getpid(),
        'native': libc.getpid(), 'tempfile': tempfile.mktemp(), 'file': tempfile.NamedTemporaryFile().name}
draw()
def main(args):
    return draw()`,
    ));

  it('have the right time at once, and none goes back', async () => {
    const action = sourceAction(
      PYTHON,
      `import time
CLOCKS = [time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME,
          time.CLOCK_PROCESS_CPUTIME_ID]
def read():
    return [time.time(), time.monotonic(), time.perf_counter()] + [time.clock_gettime(c) for c in CLOCKS]
loaded = read()
def main(args):
    now = read()
    time.sleep(0.03)
    return {'now': now[0] * 1000, 'forward': all(a > b for a, b in zip(now, loaded)),
            'slept': (time.monotonic() - now[1]) * 1000}`,
    );
    const { now, forward, slept } = (await answerAfterGap(node, action)) as Record<string, number>;
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
    const { atOnce, alarms, shots } = (await answerAfterGap(node, action)) as Record<string, number>;
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
def unseeded(line):
    return line.replace(',"seeded":true', '') if '"result"' in line else line
seuss_driver.channel.Channel.write = lambda self, line: write(self, unseeded(line))
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
