import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { createPackager } from '../../src/cli/with-node.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { kindNames } from '../../src/runtime/kinds.ts';
import { type Finished, seuss } from '../support/seuss.ts';

let node: ComputeNode;
let app: FastifyInstance;
let url: string;

before(async () => {
  node = await startComputeNode({ preboot: ['nodejs:24'] });
  app = createApi({ node, packager: createPackager(), kinds: kindNames() }).app;
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
after(async () => {
  await app?.close();
  await node?.close();
});

async function call(method: string, path: string, body: unknown): Promise<JsonObject> {
  const response = await fetch(`${url}/api/v1/namespaces/_/actions/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(DEFAULT_GUEST_KEY)}` },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as JsonObject;
}

/** By which path an invocation started. */
async function pathOf(name: string, params: JsonObject): Promise<string> {
  const { annotations } = await call('POST', `${name}?blocking=true`, params);
  const all = annotations as { key: string; value: JsonObject }[];
  return String(all.find(({ key }) => key === 'seuss')?.value.path);
}

function specialize(...args: string[]): Promise<Finished> {
  return seuss(['action', 'specialize', ...args, '--apihost', url, '--auth', DEFAULT_GUEST_KEY]);
}

async function states(...args: string[]): Promise<[JsonObject, string][]> {
  const { status, stdout, stderr } = await specialize(...args, '--json');
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as { fixed: JsonObject; state: string }[]).map(({ fixed, state }) => [
    fixed,
    state,
  ]);
}

describe('seuss action specialize', () => {
  it('adds argument snapshots one by one, shows them, and drops them', async () => {
    await call('PUT', 'add', {
      exec: { kind: 'nodejs:24', code: 'function main({ a, ...rest }) { return { a, rest } }' },
      parameters: [{ key: 'b', value: 2 }],
      annotations: [{ key: 'seuss', value: { state: 'reuse' } }],
    });
    assert.deepEqual(await states('add'), []);
    assert.deepEqual(await states('add', '-p', 'a', '{"deep":[1]}'), [[{ a: { deep: [1] } }, 'none']]);
    await states('add', '-p', 'a', '1', '-p', 'b', '2');
    const paths: string[] = [];
    for (const params of [{ a: 1 }, { a: 1 }, { a: 1 }, { a: 1, b: 3 }])
      paths.push(await pathOf('add', params));
    assert.deepEqual(paths, ['cold', 'warm', 'argument', 'hot']);
    assert.deepEqual(await states('add'), [
      [{ a: 1, b: 2 }, 'ready'],
      [{ a: { deep: [1] } }, 'none'],
    ]);
    const { stdout } = await specialize('add');
    assert.match(stdout, /^\{"a":1,"b":2\} {2}ready {2}[0-9a-f]{16}\n\{"a":\{"deep":\[1\]\}\} {2}none\n$/);
    assert.deepEqual(await states('add', '--clear'), []);
    assert.equal(await pathOf('add', { a: 1 }), 'cold');
    const { annotations } = await call('GET', 'add', undefined);
    const policy = (annotations as { key: string; value: JsonObject }[]).find(({ key }) => key === 'seuss');
    assert.deepEqual(policy?.value, { state: 'reuse', specialize: [] });
  });

  it('tells what the node says against it', async () => {
    await call('PUT', 'twice', { exec: { kind: 'nodejs:24', code: 'function main() {}' } });
    assert.equal((await specialize('twice', '-p', 'a', '1')).status, 0);
    for (const [args, text] of [
      [['twice', '-p', 'a', '1'], /fixes what another one fixes/],
      [['nothing', '-p', 'a', '1'], /does not exist/],
      [['twice', '--params', '[1]'], /an object/],
    ] as const) {
      const { status, stderr } = await specialize(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, text);
    }
  });
});
