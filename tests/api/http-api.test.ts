/** docs/reference/http-api.md has every route of the router, and says which of them need a key. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { Packager } from '../../src/action/packager.ts';
import { createApi } from '../../src/api/server.ts';
import { packageDir } from '../../src/contract/paths.ts';
import { FakeNode } from '../support/fake-node.ts';
import { routesOf } from '../support/routes.ts';

const ROW = /^\| `([A-Z]+ \/\S*)` \| (yes|no) \|/gm;

const page = readFileSync(join(packageDir, 'docs/reference/http-api.md'), 'utf8');
const rows = [...page.matchAll(ROW)].map(([, route = '', key]) => ({ route, needsKey: key === 'yes' }));

let app: FastifyInstance;

before(() => {
  const packager = new Packager({ codeDir: tmpdir(), resolveKind: (kind) => kind });
  app = createApi({ node: new FakeNode(), packager, kinds: [] }).app;
});
after(() => app.close());

describe('the page of the HTTP API', () => {
  it('lists the routes that there are', async () => {
    await app.ready();
    const routes = routesOf(app).filter((route) => !route.startsWith('HEAD '));
    assert.deepEqual(rows.map(({ route }) => route).sort(), routes.sort());
  });

  it('says which of them need a key', async () => {
    for (const { route, needsKey } of rows) {
      const [method, url = ''] = route.split(' ');
      const { statusCode } = await app.inject({ method: method as HTTPMethods, url });
      assert.equal(statusCode === 401, needsKey, `${route}: ${statusCode}`);
    }
  });
});
