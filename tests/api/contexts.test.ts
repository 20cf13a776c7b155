import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { createPackager } from '../../src/cli/with-node.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonValue } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { kindNames } from '../../src/runtime/kinds.ts';
import { zipOf } from '../support/archives.ts';

const CLIENTS = 64;
const FUNCTIONS = 200;
const INVOCATIONS = 1000;

let node: ComputeNode;
let app: FastifyInstance;
let base: string;

before(async () => {
  node = await startComputeNode({ preboot: ['nodejs:24', 'python:3.11'] });
  app = createApi({ node, packager: createPackager(), kinds: kindNames() }).app;
  await app.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/v1/namespaces/_/actions`;
});
after(async () => {
  await app?.close();
  await node?.close();
});

interface Annotation {
  readonly key: string;
  readonly value: JsonValue;
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(DEFAULT_GUEST_KEY)}` },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as JsonValue };
}

async function put(name: string, kind: string, code: string, limits: object = {}) {
  const { status, body } = await call('PUT', `${name}?overwrite=true`, { exec: { kind, code }, limits });
  assert.equal(status, 200, JSON.stringify(body));
}

describe('functions over HTTP', () => {
  it('run out of zip archives with packages, in both languages', async () => {
    const nodejs = await zipOf({
      'package.json': '{"main": "lib/start.js"}',
      'lib/start.js': 'const up = require("up"); exports.main = ({ text }) => ({ text: up(text) })',
      'node_modules/up/index.js': 'module.exports = (text) => text.toUpperCase()',
    });
    const python = await zipOf({
      '__main__.py': 'from up.word import up\ndef main(args):\n  return {"text": up(args["text"])}',
      'up/__init__.py': '',
      'up/word.py': 'def up(text): return text.upper()',
    });
    await put('zip-nodejs', 'nodejs:default', nodejs);
    await put('zip-python', 'python:default', python);
    for (const name of ['zip-nodejs', 'zip-python']) {
      const { status, body } = await call('POST', `${name}?blocking=true&result=true`, { text: 'é' });
      assert.deepEqual([status, body], [200, { text: 'É' }]);
    }
  });

  it('say in their activation by which path they started', async () => {
    await put('paths', 'nodejs:default', 'function main() { console.log("here"); return {} }');
    const paths: string[] = [];
    for (let run = 0; run < 2; run++) {
      const { body } = await call('POST', 'paths?blocking=true');
      const activation = body as unknown as { annotations: Annotation[]; logs: string[] };
      const annotations = new Map(activation.annotations.map(({ key, value }) => [key, value]));
      paths.push((annotations.get('seuss') as unknown as { path: string }).path);
      assert.equal(annotations.has('initTime'), run === 0);
      assert.match(activation.logs[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z +stdout: here$/);
    }
    assert.deepEqual(paths, ['cold', 'hot']);
  });

  it('that fail get a status of their own, and others go on', async () => {
    const brief = { timeout: 500 };
    const ample = { timeout: 60_000 };
    for (const [code, status, text] of [
      ['function main() { throw new Error("oops") }', 502, /oops/],
      ['function main() { return Promise.reject({ sad: 1 }) }', 502, /sad/],
      ['function main() { return "text" }', 502, /dictionary/],
      ['function main() { process.exit() }', 502, /exited/],
      ['function main() { for (;;); }', 502, /time limits/],
      ['function main( {', 502, /Initialization|SyntaxError/],
      ['exports.other = 1', 502, /main/],
      ['function main() { return { text: "x".repeat(20e6) } }', 502, /length/],
    ] as const) {
      await put('fails', 'nodejs:default', code, code.includes('for (;;)') ? brief : ample);
      const answer = await call('POST', 'fails?blocking=true&result=true');
      assert.equal(answer.status, status, code);
      assert.match(JSON.stringify(answer.body), text);
    }
    await put('works', 'nodejs:default', 'function main(p) { return p }');
    assert.deepEqual((await call('POST', 'works?blocking=true&result=true', { a: 1 })).body, { a: 1 });
  });

  it('answer many clients at once, each with its own result', { timeout: 300_000 }, async () => {
    const names = Array.from({ length: FUNCTIONS }, (_, i) => `many-${i}`);
    for (const [i, name] of names.entries()) {
      const python = i % 2 === 1;
      const code = python
        ? `def main(args):\n  return {"from": "${name}", "n": args["n"]}`
        : `function main({ n }) { return { from: "${name}", n } }`;
      await put(name, python ? 'python:default' : 'nodejs:default', code);
    }
    let next = 0;
    const client = async () => {
      for (let n = next++; n < INVOCATIONS; n = next++) {
        const name = names[(n * 7919) % FUNCTIONS] as string;
        const { status, body } = await call('POST', `${name}?blocking=true&result=true`, { n });
        assert.deepEqual([status, body], [200, { from: name, n }]);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    assert.equal(node.stats().busyUcs, 0);
  });
});
