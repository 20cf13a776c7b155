import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Action, StartsFrom } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

/** Resets in a row of one context. */
const RESETS = process.env.SEUSS_STRESS === '1' ? 500 : 60;

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ cores: 1, preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

/** Each run says what it finds, and leaves behind what it can. */
const LITTER: readonly (readonly [string, string])[] = [
  [
    NODEJS,
    `const fs = require('node:fs'), net = require('node:net'), crypto = require('node:crypto');
     const { Worker } = require('node:worker_threads');
     const kept = [], cwd = process.cwd();
     let runs = 0;
     exports.main = async ({ leave = true }) => {
       const found = {
         runs: ++runs, global: globalThis.left ?? null, kept: kept.length, env: process.env.LEFT ?? null,
         files: fs.readdirSync('/tmp').length, moved: process.cwd() !== cwd, umask: process.umask(),
         resources: process.getActiveResourcesInfo()
           .filter((name) => /Timeout|Server|Socket|MessagePort/.test(name)),
         listeners: process.listenerCount('exit'), proto: {}.left ?? null,
       };
       if (leave) {
         globalThis.left = Object.prototype.left = process.env.LEFT = 'left';
         fs.mkdirSync('/tmp/left/deep', { recursive: true });
         fs.writeFileSync('/tmp/left/deep/file', 'left'.repeat(100000));
         process.chdir('/tmp/left');
         process.umask(0o77);
         process.on('exit', () => {});
         setInterval(() => { globalThis.ticks = (globalThis.ticks ?? 0) + 1; }, 1);
         await new Promise((done) => net.createServer().listen(0, '127.0.0.1', done));
         const worker = new Worker('setInterval(() => {}, 1)', { eval: true });
         await new Promise((done) => worker.once('online', done));
         for (let i = 0; i < 8; i++) kept.push(Buffer.alloc(1 << 20, i), new Array(100000).fill({ i }));
       }
       return { found, pid: process.pid,
         values: [Math.random(), crypto.randomUUID(), crypto.randomBytes(8).toString('hex')] };
     };`,
  ],
  [
    PYTHON,
    `import ctypes, mmap, os, random, secrets, signal, socket, sys, threading, uuid
runs, kept, cwd = 0, [], os.getcwd()
fixed = mmap.mmap(-1, 1 << 20)
fixed[:] = b"fixed..." * (1 << 17)
libc = ctypes.CDLL(None)
address = ctypes.addressof(ctypes.c_char.from_buffer(fixed))
def main(args):
    global runs
    runs += 1
    found = {"runs": runs, "module": getattr(sys, "left", None), "kept": len(kept),
             "env": os.environ.get("LEFT"), "files": len(os.listdir("/tmp")), "moved": os.getcwd() != cwd,
             "threads": threading.active_count(), "alarm": signal.getitimer(signal.ITIMER_REAL)[0],
             "handler": str(signal.getsignal(signal.SIGUSR1)), "fixed": fixed[:8].decode(),
             "end": fixed[-8:].decode(), "descriptors": len(os.listdir("/proc/self/fd"))}
    if args.get("leave", True):
        sys.left = os.environ["LEFT"] = "left"
        os.makedirs("/tmp/left/deep")
        with open("/tmp/left/deep/file", "w") as file:
            file.write("left" * 100000)
        os.chdir("/tmp/left")
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 1000)
        signal.signal(signal.SIGALRM, lambda *_: None)
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        server.listen()
        kept.append(server)
        kept.append([os.open("/dev/null", os.O_RDONLY) for _ in range(8)])
        started = threading.Event()
        threading.Thread(target=lambda: (started.set(), threading.Event().wait()), daemon=True).start()
        threading.Timer(1000, lambda: None).start()
        started.wait()
        kept.extend(bytearray(1 << 20) for _ in range(8))
        kept.extend(mmap.mmap(-1, 1 << 22) for _ in range(4))
        fixed[:] = b"written!" * (1 << 17)
        libc.mprotect(ctypes.c_void_p(address), 1 << 19, 0)
        libc.munmap(ctypes.c_void_p(address + (1 << 19)), 1 << 19)
    return {"found": found, "pid": os.getpid(),
            "values": [random.random(), str(uuid.uuid4()), secrets.token_hex(8)]}`,
  ],
];

function action(kind: string, source: string, state: StartsFrom): Action {
  return sourceAction(kind, source, { policy: { startsFrom: state, specialize: [] } });
}

function resultOf({ status, result }: Activation): JsonObject {
  assert.equal(status, 'success', JSON.stringify(result));
  return result as JsonObject;
}

/**
 * Its context may still have work to do when it has answered; the next invocation comes when it has
 * been reset.
 */
async function settled(pristine: Action): Promise<number> {
  return (await node.idleMemory(pristine)).privateBytes;
}

/** Values of these must never be seen twice. */
class Distinct {
  readonly #seen = new Set<unknown>();

  add(...values: readonly unknown[]): void {
    for (const value of values) {
      assert.ok(!this.#seen.has(value), `${value} came twice`);
      this.#seen.add(value);
    }
  }
}

for (const [kind, source] of LITTER) {
  describe(`what an invocation starts from (${kind})`, () => {
    it('is what the last one left, with reuse', async () => {
      const reused = action(kind, source, 'reuse');
      for (let runs = 1; runs <= 3; runs++) {
        const { found } = resultOf(await node.invoke(reused, { leave: false }));
        assert.equal((found as JsonObject).runs, runs);
      }
    });

    for (const state of ['reset', 'fresh'] as const) {
      it(`is the function's snapshot, with ${state}`, async () => {
        const pristine = action(kind, source, state);
        const distinct = new Distinct();
        const paths: string[] = [];
        let first: unknown;
        for (let run = 0; run < 6; run++) {
          const activation = await node.invoke(pristine, {});
          const { found, pid, values } = resultOf(activation);
          first ??= found;
          assert.deepEqual(found, first);
          distinct.add(pid, ...(values as unknown[]));
          paths.push(activation.path);
          if (state === 'reset' && run > 0) {
            await settled(pristine);
          }
          assert.equal(activation.timings.resetMs !== undefined, activation.path === 'hot');
        }
        const later = state === 'reset' ? 'hot' : 'warm';
        assert.deepEqual(paths, ['cold', 'warm', ...Array(4).fill(later)]);
        assert.equal((first as JsonObject).runs, 1);
        await node.dropIdle(pristine);
      });
    }

    it(`stays so ${RESETS} times in a row, and the context does not grow`, async () => {
      const pristine = action(kind, source, 'reset');
      const distinct = new Distinct();
      const sizes: number[] = [];
      for (let run = 0; run < RESETS; run++) {
        const activation = await node.invoke(pristine, { leave: run % 10 === 5 });
        const { found, pid, values } = resultOf(activation);
        assert.equal((found as JsonObject).runs, 1);
        assert.equal((found as JsonObject).files, 0);
        distinct.add(pid, ...(values as unknown[]));
        if (run > 1) {
          assert.equal(activation.path, 'hot');
        }
        if (run > 0) {
          sizes.push(await settled(pristine));
        }
      }
      const early = Math.max(...sizes.slice(0, 5));
      assert.ok(Math.max(...sizes) <= early * 1.5, `${sizes}`);
    });

    it('survives demotion', async () => {
      const pristine = action(kind, source, 'reset');
      const distinct = new Distinct();
      for (let run = 0; run < 4; run++) {
        const activation = await node.invoke(pristine, {});
        const { found, pid, values } = resultOf(activation);
        assert.equal((found as JsonObject).runs, 1);
        distinct.add(pid, ...(values as unknown[]));
        if (run > 1) {
          assert.equal(activation.path, 'hot');
        }
        if (run > 0) {
          assert.equal(await node.demoteIdle(pristine), 1);
        }
      }
    });
  });
}

describe('many invocations at once', () => {
  it('each start pristine, and a few contexts serve them', async () => {
    const pristine = action(
      NODEJS,
      'let n = 0; exports.main = () => ({ n: ++n, pid: process.pid });',
      'reset',
    );
    await node.invoke(pristine, {});
    const distinct = new Distinct();
    const activations = await Promise.all(Array.from({ length: 60 }, () => node.invoke(pristine, {})));
    for (const activation of activations) {
      const { n, pid } = resultOf(activation);
      assert.equal(n, 1);
      distinct.add(pid);
    }
    assert.ok(activations.some(({ path }) => path === 'hot'));
  });

  it('end with a function that is forgotten while its context is reset', async () => {
    const pristine = action(NODEJS, 'exports.main = () => ({});', 'reset');
    await node.invoke(pristine, {});
    await node.invoke(pristine, {});
    await node.forget(pristine);
    await node.invoke(pristine, {});
    assert.equal((await node.invoke(pristine, {})).path, 'warm');
  });
});
