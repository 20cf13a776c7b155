/** What an argument snapshot takes along of a run that is half-way, and what forbids to keep it. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON } from '../support/actions.ts';
import { both, invokeAll, only, paths, results, special } from '../support/halfway.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

describe('an argument snapshot', () => {
  both(
    'gives each its own environment, process and randomness',
    {
      nodejs: `const { randomUUID } = require("crypto");
        exports.main = async (p) => { await new Promise((done) => setTimeout(done, 1)); const x = p.x;
          return { x, id: process.env.__OW_ACTIVATION_ID,
            own: [process.pid, Math.random(), randomUUID()] } }`,
      python: `import os, random, uuid
def main(p):
    x = p["x"]
    return {"x": x, "id": os.environ["__OW_ACTIVATION_ID"],
            "own": [os.getpid(), random.random(), str(uuid.uuid4())]}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const seen = new Set<JsonValue>();
      for (let x = 0; x < 12; x++) {
        const env = { __OW_ACTIVATION_ID: `id-${x}` };
        const { path, result } = await node.invoke(action, { a: 1, x }, { env });
        const { own, ...rest } = result as { own: JsonValue[] };
        assert.deepEqual([path, rest], [['cold', 'warm'][x] ?? 'argument', { x, id: `id-${x}` }]);
        for (const value of own) seen.add(value);
      }
      assert.equal(seen.size, 36);
      await node.forget(action);
    },
  );

  both(
    'goes on with timers, promises and threads that were under way',
    {
      nodejs: `exports.main = async (p) => {
          const marks = [];
          const late = new Promise((done) => setTimeout(() => { marks.push("timer"); done() }, 20));
          setImmediate(() => marks.push("immediate"));
          process.nextTick(() => marks.push("tick"));
          const x = p.x;
          marks.push("resumed");
          const file = require("fs").promises.readFile("/etc/hostname", "utf8");
          await Promise.all([late, file]);
          return { x, marks: marks.sort() } }`,
      python: `import asyncio, threading
def main(p):
    marks = []
    go = threading.Event()
    def work():
        go.wait()
        marks.append("thread")
    thread = threading.Thread(target=work)
    thread.start()
    async def later(name, s):
        await asyncio.sleep(s)
        marks.append(name)
    async def all():
        task = asyncio.create_task(later("timer", 0.02))
        await asyncio.sleep(0)
        x = p["x"]
        marks.append("resumed")
        go.set()
        await task
        return x
    x = asyncio.run(all())
    thread.join()
    return {"x": x, "marks": sorted(marks)}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, ...[0, 1, 2, 3].map((x) => ({ a: 1, x })));
      assert.deepEqual(paths(activations), ['cold', 'warm', 'argument', 'argument']);
      const marks =
        kind === NODEJS ? ['immediate', 'resumed', 'tick', 'timer'] : ['resumed', 'thread', 'timer'];
      assert.deepEqual(
        results(activations),
        [0, 1, 2, 3].map((x) => ({ x, marks })),
      );
      await node.forget(action);
    },
  );

  both(
    'goes on with work that other threads are in the middle of',
    {
      nodejs: `const { pbkdf2, createHash } = require("crypto");
        const { once } = require("events");
        const { promisify } = require("util");
        const { Worker } = require("worker_threads");
        const zlib = require("zlib");
        const sum = "let s = 0; for (let i = 0; i < 1e7; i++) s = (s + i * 7) % 1000003;";
        exports.main = async (p) => {
          const data = Buffer.alloc(1e6, "some text ");
          const key = promisify(pbkdf2)("secret", "salt", 5e4, 16, "sha256");
          const packed = promisify(zlib.deflate)(data);
          const end = "require('worker_threads').parentPort.postMessage(s);";
          const worker = new Worker(sum + end, { eval: true });
          const counted = once(worker, "message");
          await new Promise((done) => setTimeout(done, 5));
          const x = p.x;
          const text = zlib.inflateSync(await packed);
          const hash = createHash("sha256").update(await key).update(text).digest("hex");
          return { x, hash, counted: (await counted)[0] } }`,
      python: `import hashlib, threading, zlib
def main(p):
    out = {}
    def derive(): out["key"] = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 50000).hex()
    def count():
        s = 0
        for i in range(300000): s = (s + i * 7) % 1000003
        out["count"] = s
    def pack():
        packed = zlib.compress(b"some text " * 100000)
        out["packed"] = hashlib.sha256(zlib.decompress(packed)).hexdigest()
    threads = [threading.Thread(target=f) for f in (derive, count, pack)]
    for thread in threads: thread.start()
    x = p["x"]
    for thread in threads: thread.join()
    return {"x": x, "out": dict(sorted(out.items()))}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, ...[0, 1, 2, 3, 4].map((x) => ({ a: 1, x })));
      assert.deepEqual(paths(activations), ['cold', 'warm', 'argument', 'argument', 'argument']);
      const first = activations[0]?.result as JsonObject;
      assert.deepEqual(
        results(activations),
        [0, 1, 2, 3, 4].map((x) => ({ ...first, x })),
      );
      await node.forget(action);
    },
  );

  both(
    'is not kept when random values were drawn before',
    {
      nodejs: `const { randomUUID } = require("crypto");
        exports.main = (p) => { const token = randomUUID(); return { token, x: p.x } }`,
      python: `import uuid
def main(p):
    token = str(uuid.uuid4())
    return {"token": token, "x": p["x"]}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, ...[0, 1, 2, 3].map((x) => ({ a: 1, x })));
      assert.deepEqual(paths(activations), ['cold', 'warm', 'hot', 'hot']);
      assert.equal(new Set(activations.map(({ result }) => (result as JsonObject).token)).size, 4);
      const { state, reason, snapshot } = only(node, action);
      assert.deepEqual([state, snapshot], ['failed', null]);
      assert.match(reason ?? '', /would share random values: random: (crypto\.randomUUID|os\.urandom)/);
      await node.forget(action);
    },
  );

  both(
    'is not kept when native code drew from the kernel before, or the device was read',
    {
      nodejs: `const fs = require("fs"); const fd = fs.openSync("/dev/urandom");
        exports.main = (p) => {
          const token = Buffer.alloc(8);
          fs.readSync(fd, token);
          return { token: token.toString("hex"), x: p.x } }`,
      python: `import ctypes
libc = ctypes.CDLL(None)
def main(p):
    token = libc.arc4random() << 32 | libc.arc4random()
    return {"token": str(token), "x": p["x"]}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, ...[0, 1, 2].map((x) => ({ a: 1, x })));
      assert.equal(new Set(activations.map(({ result }) => (result as JsonObject).token)).size, 3);
      assert.match(only(node, action).reason ?? '', /would share random values: random: native code/);
      await node.forget(action);
    },
  );

  both(
    'is kept, with a note, when the clock was read before',
    {
      nodejs: `exports.main = (p) => { const at = Date.now(); return { at, x: p.x, now: Date.now() } }`,
      python: `import time
def main(p):
    at = time.time()
    return {"at": at, "x": p["x"], "now": time.time()}`,
    },
    async (kind, source) => {
      const action = special(kind, source, [{ a: 1 }]);
      const activations = await invokeAll(node, action, ...[0, 1, 2, 3].map((x) => ({ a: 1, x })));
      const [, lead, third, fourth] = activations.map(({ result }) => result as { at: number; now: number });
      assert.deepEqual([third?.at, fourth?.at], [lead?.at, lead?.at]);
      assert.ok((fourth?.now ?? 0) > (third?.now ?? 0));
      assert.deepEqual(only(node, action).observed, [kind === NODEJS ? 'time: Date.now' : 'time: time.time']);
      await node.forget(action);
    },
  );
});
