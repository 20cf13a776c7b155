import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { ApiClient } from '../../src/cli/api-client.ts';
import { resolveTarget } from '../../src/cli/api-target.ts';

describe('where the command line finds a node', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'seuss-target-'));
    await writeFile(
      join(dir, '.wskprops'),
      '# mine\nAPIHOST=https://whisk.example:444/\nAUTH=file:secret=1\n',
    );
  });
  after(() => rm(dir, { recursive: true }));

  it('is what seuss serve takes when nothing else is said', () => {
    assert.deepEqual(resolveTarget({}, { HOME: '/nonexistent' }), {
      url: 'http://127.0.0.1:3233',
      key: DEFAULT_GUEST_KEY,
    });
  });

  it('is an option, then the environment, then the properties of OpenWhisk’s client', () => {
    const home = { HOME: dir };
    assert.deepEqual(resolveTarget({}, home), { url: 'https://whisk.example:444', key: 'file:secret=1' });
    assert.deepEqual(resolveTarget({}, { WSK_CONFIG_FILE: join(dir, '.wskprops') }), resolveTarget({}, home));
    const env = { ...home, __OW_API_HOST: 'http://env:1', __OW_API_KEY: 'env:1' };
    assert.deepEqual(resolveTarget({}, env), { url: 'http://env:1', key: 'env:1' });
    const own = { ...env, SEUSS_APIHOST: 'localhost:9', SEUSS_KEY: 'own:1' };
    assert.deepEqual(resolveTarget({}, own), { url: 'http://localhost:9', key: 'own:1' });
    assert.deepEqual(resolveTarget({ apihost: 'node.example', auth: 'flag:1' }, own), {
      url: 'https://node.example',
      key: 'flag:1',
    });
  });

  it('is refused when it is no host or no key', () => {
    assert.throws(() => resolveTarget({ apihost: 'ftp://x' }, {}), /no host/);
    assert.throws(() => resolveTarget({ apihost: 'a b' }, {}), /no host/);
    assert.throws(() => resolveTarget({ auth: 'nokey' }, {}), /user:password/);
  });
});

describe('the client', () => {
  let server: Server;
  let client: ApiClient;
  const seen: { method: string | undefined; authorization: string | undefined; body: string }[] = [];
  before(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push({ method: request.method, authorization: request.headers.authorization, body });
      const [status, text] = answers[request.url ?? ''] ?? [404, ''];
      response.writeHead(status).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new ApiClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'a:b' });
  });
  after(() => server.close());
  const answers: Record<string, [number, string]> = {
    '/ok': [200, '{"n": 1}'],
    '/refused': [409, '{"error": "it is gone", "reason": "gone"}'],
    '/html': [502, '<html>'],
    '/other': [200, '[]'],
  };
  const schema = z.object({ n: z.number() });

  it('sends key and body, and checks the answer', async () => {
    assert.deepEqual(await client.request('POST', '/ok', schema, { x: 1 }), { n: 1 });
    assert.deepEqual(seen.at(-1), { method: 'POST', authorization: `Basic ${btoa('a:b')}`, body: '{"x":1}' });
    await assert.rejects(client.request('GET', '/other', schema), { code: 'bad_answer' });
  });

  it('tells what the node refused, and when none is there', async () => {
    const refused = { status: 409, code: 'gone', message: 'it is gone' };
    await assert.rejects(client.request('GET', '/refused', schema), refused);
    await assert.rejects(client.request('GET', '/html', schema), { status: 502, code: 'http_502' });
    const nobody = new ApiClient({ url: 'http://127.0.0.1:1', key: 'a:b' });
    await assert.rejects(nobody.request('GET', '/ok', schema), { code: 'unreachable' });
  });
});
