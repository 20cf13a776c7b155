import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import openwhisk from 'openwhisk';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { FakeNode } from '../support/fake-node.ts';

let codeDir: string;
let app: FastifyInstance;
let client: openwhisk.Client;

before(async () => {
  codeDir = await mkdtemp(join(tmpdir(), 'seuss-api-'));
  const packager = new Packager({ codeDir, resolveKind: (kind) => resolveKind(kind).name });
  app = createApi({ node: new FakeNode(), packager, kinds: kindNames() }).app;
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  client = openwhisk({ apihost: `http://127.0.0.1:${port}`, api_key: DEFAULT_GUEST_KEY });
});
after(async () => {
  await app.close();
  await rm(codeDir, { recursive: true });
});

it("OpenWhisk's own client makes, runs, lists and deletes actions", async () => {
  const made = await client.actions.create({ name: 'hello', action: 'echo' });
  assert.equal(made.exec.kind, 'nodejs:24');
  await assert.rejects(client.actions.create({ name: 'hello', action: 'echo' }), { statusCode: 409 });
  await client.actions.update({ name: 'hello', action: 'echo' });
  const params = { name: 'Ada' };
  assert.deepEqual(
    await client.actions.invoke({ name: 'hello', blocking: true, result: true, params }),
    params,
  );
  const activation = await client.actions.invoke({ name: 'hello', blocking: true, params });
  assert.equal(activation.response?.success, true);
  const { activationId } = activation as unknown as { activationId: string };
  const found = await client.activations.get({ name: activationId });
  assert.deepEqual(found.response?.result, params);
  assert.equal((await client.actions.list()).length, 1);
  assert.equal((await client.activations.list()).length, 2);
  await client.actions.delete({ name: 'hello' });
  await assert.rejects(client.actions.get({ name: 'hello' }), { statusCode: 404 });
});
