import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listExamples } from '../src/cli/demo/examples.ts';
import { createPackager } from '../src/cli/node-session.ts';
import { startComputeNode } from '../src/node/compute-node.ts';
import type { ActivationStatus, ComputeNode, JsonObject, JsonValue } from '../src/node/types.ts';

let dir: string;
let node: ComputeNode;
const packager = createPackager();

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-uc-'));
  node = await startComputeNode({ preboot: ['nodejs:24', 'python:3.11'] });
});
after(async () => {
  await node?.close();
  await rm(dir, { recursive: true });
});

async function packaged(name: string, source: string, options: { main?: string; timeoutMs?: number } = {}) {
  const path = join(dir, name);
  await writeFile(path, source);
  return await packager.fromPath(path, {
    ...(options.main !== undefined && { main: options.main }),
    ...(options.timeoutMs !== undefined && { limits: { timeoutMs: options.timeoutMs } }),
  });
}

describe('examples in unikernel contexts', () => {
  for (const { name, path, kind } of listExamples().examples) {
    it(`${name} runs cold, warm and hot`, async () => {
      const action = await packager.fromPath(path, { kind, name: `guest/${name}` });
      const cold = await node.invoke(action, {});
      await node.dropIdle(action);
      const warm = await node.invoke(action, {});
      const hot = await node.invoke(action, {});
      for (const activation of [cold, warm, hot]) {
        assert.equal(activation.status, 'success', JSON.stringify(activation.result));
        assert.equal(typeof activation.result, 'object');
      }
      assert.deepEqual([cold.path, warm.path, hot.path], ['cold', 'warm', 'hot']);
    });
  }
});

describe("OpenWhisk's conventions", () => {
  const cases: [
    name: string,
    source: string,
    params: JsonObject,
    result: JsonValue,
    options?: { main: string },
  ][] = [
    ['local.js', 'function main(p) { return { got: p.a } }', { a: 1 }, { got: 1 }],
    ['named.js', 'exports.niam = (p) => ({ got: p.a })', { a: 2 }, { got: 2 }, { main: 'niam' }],
    ['promise.js', 'exports.main = (p) => Promise.resolve({ got: p.a })', { a: 3 }, { got: 3 }],
    ['list.js', 'exports.main = () => [1, "two"]', {}, [1, 'two']],
    ['nothing.js', 'exports.main = () => {}', {}, {}],
    ['module.mjs', 'export const main = async (p) => ({ got: p.a })', { a: 4 }, { got: 4 }],
    ['unicode.js', 'exports.main = (p) => ({ got: p.a + "é☃" })', { a: '日本' }, { got: '日本é☃' }],
    ['plain.py', 'def main(args): return {"got": args["a"]}', { a: 5 }, { got: 5 }],
    ['list.py', 'def main(args): return [1, "two"]', {}, [1, 'two']],
    ['named.py', 'def niam(args): return {"got": args["a"]}', { a: '☃' }, { got: '☃' }, { main: 'niam' }],
  ];
  for (const [name, source, params, result, options] of cases) {
    it(name, async () => {
      const activation = await node.invoke(await packaged(name, source, options), params);
      assert.deepEqual(activation.result, result);
      assert.equal(activation.status, 'success');
    });
  }

  it('brings out stdout and stderr as log lines', async () => {
    const action = await packaged(
      'logs.js',
      'exports.main = () => { console.log("out"); console.error("err"); return {} }',
    );
    const { logs } = await node.invoke(action, {});
    assert.deepEqual(logs.map(({ stream, line }) => `${stream}: ${line}`).sort(), [
      'stderr: err',
      'stdout: out',
    ]);
  });
});

describe('functions that go wrong', () => {
  const cases: [name: string, source: string, status: ActivationStatus, text: RegExp][] = [
    ['syntax.js', 'exports.main = (', 'action developer error', /SyntaxError|Unexpected/],
    ['nomain.js', 'exports.other = 1', 'action developer error', /main/],
    ['throws.js', 'exports.main = () => { throw new Error("oops") }', 'action developer error', /oops/],
    ['rejects.js', 'exports.main = () => Promise.reject({ sad: 1 })', 'application error', /sad/],
    ['errors.js', 'exports.main = () => ({ error: "mine" })', 'application error', /mine/],
    ['string.js', 'exports.main = () => "text"', 'action developer error', /dictionary/],
    ['exits.js', 'exports.main = () => process.exit(3)', 'action developer error', /exited/],
    ['loops.js', 'exports.main = () => { for (;;); }', 'action developer error', /time limits/],
    ['loadloop.js', 'for (;;);', 'action developer error', /time limits/],
    ['big.js', 'exports.main = () => ({ text: "x".repeat(20e6) })', 'application error', /length/],
    [
      'memory.js',
      'const all = []; exports.main = () => { for (;;) all.push(Buffer.alloc(1 << 20, 1)); }',
      'action developer error',
      /memory|time limits/,
    ],
    ['cyclic.js', 'exports.main = () => { const o = {}; o.o = o; return o }', 'action developer error', /./],
    ['syntax.py', 'def main(', 'action developer error', /SyntaxError|invalid syntax|never closed/],
    ['throws.py', 'def main(args): raise ValueError("oops")', 'application error', /oops/],
    ['exits.py', 'import os\ndef main(args): os._exit(3)', 'action developer error', /exited/],
    ['loops.py', 'def main(args):\n  while True: pass', 'action developer error', /time limits/],
    ['notjson.py', 'def main(args): return {"a": object()}', 'action developer error', /./],
  ];
  for (const [name, source, status, text] of cases) {
    it(name, async () => {
      const action = await packaged(name, source, { timeoutMs: 1500 });
      const activation = await node.invoke(action, {});
      assert.equal(activation.status, status, JSON.stringify(activation.result).slice(0, 500));
      assert.match(JSON.stringify(activation.result), text);
    });
  }

  it('cannot flood the log beyond its limit', async () => {
    const source =
      'exports.main = () => { for (let i = 0; i < 4e5; i++) console.log("x".repeat(100)); return {} }';
    const action = await packaged('flood.js', source, { timeoutMs: 30_000 });
    const { logs } = await node.invoke(action, {});
    const bytes = logs.reduce((sum, { line }) => sum + line.length, 0);
    assert.ok(bytes <= action.limits.logBytes + 1024, `${bytes} bytes`);
  });

  it('leave the node serving others', async () => {
    const action = await packaged('after.js', 'exports.main = () => ({ fine: true })');
    assert.deepEqual((await node.invoke(action, {})).result, { fine: true });
  });
});
