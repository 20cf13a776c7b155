import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as turn } from 'node:timers/promises';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { FakeNode } from '../support/fake-node.ts';

const BASE = '/api/v1/namespaces/_';
const authorization = `Basic ${Buffer.from(DEFAULT_GUEST_KEY).toString('base64')}`;

let codeDir: string;
let node: FakeNode;
let app: FastifyInstance;

before(async () => {
  codeDir = await mkdtemp(join(tmpdir(), 'seuss-api-'));
});
after(() => rm(codeDir, { recursive: true }));

beforeEach(() => {
  node = new FakeNode();
  const packager = new Packager({ codeDir, resolveKind: (kind) => resolveKind(kind).name });
  app = createApi({ node, packager, kinds: kindNames(), history: { records: 3, bytes: 1 << 20 } }).app;
});

async function call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: unknown) {
  const options: InjectOptions = {
    method,
    url,
    headers: { authorization, 'content-type': 'application/json' },
  };
  if (payload !== undefined)
    options.payload = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const response = await app.inject(options);
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

function put(name: string, code = name, more: object = {}, query = '') {
  return call('PUT', `${BASE}/actions/${name}${query}`, { exec: { kind: 'nodejs:default', code }, ...more });
}

describe('what needs no key', () => {
  it('describes the platform', async () => {
    const root = (await app.inject('/')).json();
    assert.deepEqual(root.api_paths, ['/api/v1']);
    assert.ok(root.runtimes.nodejs.some(({ kind }: { kind: string }) => kind === 'nodejs:24'));
    assert.equal((await app.inject('/api/v1')).json().api_version_path, 'v1');
    assert.equal((await app.inject('/ping')).body, 'pong');
  });

  it('tells the truth of a node that can run nothing', async () => {
    node.broken = new PlatformError('tender_died', 'the tender ended (SIGKILL)');
    const { statusCode, body } = await app.inject('/ping');
    node.broken = undefined;
    assert.deepEqual([statusCode, body], [503, 'the tender ended (SIGKILL)']);
    assert.equal((await app.inject('/ping')).statusCode, 200);
  });
});

describe('authentication', () => {
  it('is asked for below /api/v1/, before the body is read', async () => {
    for (const headers of [{}, { authorization: 'Basic AAAA' }, { authorization: 'Bearer x' }]) {
      const response = await app.inject({
        method: 'PUT',
        url: `${BASE}/actions/x`,
        headers,
        payload: '{broken',
      });
      assert.equal(response.statusCode, 401);
      assert.match(String(response.headers['www-authenticate']), /^Basic/);
      assert.equal(response.json().code, response.headers['x-request-id']);
    }
  });

  it('opens its own namespace only', async () => {
    assert.deepEqual((await call('GET', '/api/v1/namespaces')).body, ['guest']);
    assert.equal((await call('GET', '/api/v1/namespaces/guest/actions')).status, 200);
    assert.equal((await call('GET', '/api/v1/namespaces/other/actions')).status, 403);
  });
});

describe('actions', () => {
  it('are made, read, listed and deleted', async () => {
    const made = await put('echo', 'echo', { annotations: [{ key: 'a', value: 1 }] });
    assert.equal(made.status, 200);
    assert.equal(made.body.version, '0.0.1');
    assert.equal(made.body.exec.kind, 'nodejs:24');
    assert.ok(made.body.annotations.some(({ key, value }: never) => key === 'exec' && value === 'nodejs:24'));
    assert.equal((await call('GET', `${BASE}/actions/echo`)).body.exec.code, 'echo');
    assert.equal((await call('GET', `${BASE}/actions/echo?code=false`)).body.exec.code, undefined);
    await put('other', 'echo');
    const names = (await call('GET', `${BASE}/actions?limit=1`)).body.map(
      ({ name }: { name: string }) => name,
    );
    assert.equal(names.length, 1);
    assert.deepEqual((await call('GET', `${BASE}/actions?count=true`)).body, { actions: 2 });
    assert.equal((await call('DELETE', `${BASE}/actions/echo`)).status, 200);
    assert.deepEqual(node.forgotten, ['guest/echo@0.0.1']);
    assert.equal((await call('GET', `${BASE}/actions/echo`)).status, 404);
    assert.equal((await call('DELETE', `${BASE}/actions/echo`)).status, 404);
  });

  it('are replaced only with overwrite, keeping what the request leaves out', async () => {
    await put('echo', 'echo', { limits: { timeout: 5000 }, parameters: [{ key: 'p', value: 1 }] });
    assert.equal((await put('echo')).status, 409);
    const updated = await call('PUT', `${BASE}/actions/echo?overwrite=true`, { limits: { memory: 128 } });
    assert.equal(updated.status, 200);
    assert.equal(updated.body.version, '0.0.2');
    assert.equal(updated.body.exec.code, 'echo');
    assert.deepEqual(updated.body.limits, { timeout: 5000, memory: 128, logs: 10, concurrency: 1 });
    assert.deepEqual(updated.body.parameters, [{ key: 'p', value: 1 }]);
    assert.deepEqual(node.forgotten, ['guest/echo@0.0.1']);
  });

  it('are not replaced by two requests at once', async () => {
    const both = await Promise.all([put('echo', 'a'), put('echo', 'b')]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
  });

  it('with faults are refused with the reason', async () => {
    const cases: [unknown, number, RegExp][] = [
      ['{broken', 400, /malformed/],
      [{}, 400, /exec/],
      [{ exec: { kind: 'cobol:85', code: 'x' } }, 400, /cobol:85/],
      [{ exec: { kind: 'nodejs:24', code: ' ' } }, 400, /empty/],
      [{ exec: { kind: 'nodejs:24', code: 'UEsDBBQA' } }, 400, /zip/],
      [{ exec: { kind: 'nodejs:24', code: 'x' }, limits: { memory: 4096 } }, 400, /limits\.memory/],
      [{ exec: { kind: 'nodejs:24', code: 'x' }, limits: { timeout: 1 } }, 400, /limits\.timeout/],
      [{ exec: { kind: 'nodejs:24', code: 'x', main: 'a b' } }, 400, /entry point/],
    ];
    for (const [body, status, text] of cases) {
      const answer = await call('PUT', `${BASE}/actions/bad`, body);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.match(answer.body.error, text);
    }
    assert.equal((await put(`${'x'.repeat(300)}`, 'echo')).status, 400);
    assert.equal((await put('%20x', 'echo')).status, 400);
  });

  it("are refused in OpenWhisk's words", async () => {
    await put('there');
    const annotated = (key: string, value: unknown) => put('g', 'echo', { annotations: [{ key, value }] });
    const cases: [{ status: number; body: object }, number, string][] = [
      [await call('GET', `${BASE}/actions/none`), 404, 'The requested resource does not exist.'],
      [await call('DELETE', `${BASE}/actions/none`), 404, 'The requested resource does not exist.'],
      [await put('there'), 409, 'resource already exists'],
      [await call('PUT', `${BASE}/actions/g`, {}), 400, 'exec undefined'],
      [
        await annotated('seuss', { state: 'reset', specialize: [{}], more: 1 }),
        400,
        'The request content was malformed: annotations.seuss.specialize.0: fixes no argument; ' +
          'annotations.seuss: Unrecognized key: "more"',
      ],
      [
        await annotated('long', 'x'.repeat(1024 * 1024)),
        413,
        'The parameters of an action may have 1 MB, and so may its annotations.',
      ],
    ];
    for (const [{ status, body }, expected, error] of cases) {
      const { code, ...rest } = body as { code: string };
      assert.match(code, /^[0-9a-f]{32}$/);
      assert.deepEqual([status, rest], [expected, { error }]);
    }
  });
});

describe('invocation', () => {
  it('answers with the activation, or only its result', async () => {
    await put('echo', 'echo', {
      parameters: [
        { key: 'greeting', value: 'hi' },
        { key: 'name', value: 'x' },
      ],
    });
    const full = await call('POST', `${BASE}/actions/echo?blocking=true`, { name: 'Ada' });
    assert.equal(full.status, 200);
    assert.equal(full.headers['x-openwhisk-activation-id'], full.body.activationId);
    assert.match(full.body.activationId, /^[0-9a-f]{32}$/);
    assert.deepEqual(full.body.response.result, { greeting: 'hi', name: 'Ada' });
    assert.deepEqual(full.body.logs, ['1970-01-01T00:00:00.000000000Z stdout: hello']);
    const annotations = new Map(full.body.annotations.map(({ key, value }: never) => [key, value]));
    assert.equal(annotations.get('path'), 'guest/echo');
    assert.equal(annotations.get('kind'), 'nodejs:24');
    assert.equal(annotations.get('waitTime'), 1);
    assert.equal(annotations.get('initTime'), 2);
    assert.deepEqual(annotations.get('seuss'), {
      path: 'cold',
      timings: { waitMs: 1.4, deployMs: 0.5, initMs: 2.2, runMs: 0.3, totalMs: 4.4 },
    });
    const bare = await call('POST', `${BASE}/actions/echo?blocking&result=true`, [1, 2]);
    assert.deepEqual(bare.body, [1, 2]);
    const none = await call('POST', `${BASE}/actions/echo?blocking=true&result=true`);
    assert.deepEqual(none.body, { greeting: 'hi', name: 'x' });
  });

  it('hands the activation to the function as environment', async () => {
    await put('env', 'env');
    const { body } = await call('POST', `${BASE}/actions/env?blocking=true`);
    const env = body.response.result;
    assert.equal(env.__OW_ACTIVATION_ID, body.activationId);
    assert.equal(env.__OW_ACTION_NAME, '/guest/env');
    assert.equal(env.__OW_ACTION_VERSION, '0.0.1');
    assert.ok(Number(env.__OW_DEADLINE) > Date.now());
  });

  it('that fails has a status that says whose fault it was', async () => {
    for (const [name, status] of [
      ['throws', 502],
      ['rejects', 502],
      ['overload', 429],
      ['breaks', 500],
    ] as const) {
      await put(name);
      const answer = await call('POST', `${BASE}/actions/${name}?blocking=true`);
      assert.equal(answer.status, status);
      assert.doesNotMatch(JSON.stringify(answer.body), /secret detail/);
    }
    const result = await call('POST', `${BASE}/actions/throws?blocking=true&result=true`);
    assert.deepEqual(result.body, { error: 'An error has occurred: oops' });
    assert.equal((await call('POST', `${BASE}/actions/nothing?blocking=true`)).status, 404);
  });

  it('refuses arguments that are no object, malformed or too large', async () => {
    await put('echo');
    for (const body of ['3', '"x"', '{broken']) {
      assert.equal((await call('POST', `${BASE}/actions/echo?blocking=true`, body)).status, 400);
    }
    const large = { text: 'x'.repeat(1024 * 1024 + 5000) };
    assert.equal((await call('POST', `${BASE}/actions/echo?blocking=true`, large)).status, 413);
  });

  it('that outlasts the wait, or is not waited for, is found later', async () => {
    await put('slow');
    const expired = await call('POST', `${BASE}/actions/slow?blocking=true&timeout=20`);
    const unwaited = await call('POST', `${BASE}/actions/slow`);
    for (const { status, body } of [expired, unwaited]) {
      assert.equal(status, 202);
      assert.equal((await call('GET', `${BASE}/activations/${body.activationId}`)).status, 404);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
    for (const { body } of [expired, unwaited]) {
      const found = await call('GET', `${BASE}/activations/${body.activationId}`);
      assert.deepEqual(found.body.response.result, { done: true });
    }
  });

  it('is waited for while it waits for its turn, however short its own time is', async () => {
    await put('queued', 'queued', { limits: { timeout: 100 } });
    assert.equal((await call('POST', `${BASE}/actions/queued?blocking=true`)).status, 200);
  });

  it('that the platform fails after the client left becomes an activation too', async () => {
    await put('late');
    const { body } = await call('POST', `${BASE}/actions/late`);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const found = await call('GET', `${BASE}/activations/${body.activationId}`);
    assert.equal(found.body.response.status, 'whisk internal error');
  });
});

describe('activations', () => {
  it('show what the function logged after its answer', async () => {
    await put('logsLate');
    const { body } = await call('POST', `${BASE}/actions/logsLate?blocking=true`);
    const time = '1970-01-01T00:00:00.000000000Z';
    const logs = [`${time} stdout: hello`, `${time} stderr: at once`];
    assert.deepEqual(body.logs, logs);
    let filed: string[];
    do {
      await turn(5);
      filed = (await call('GET', `${BASE}/activations/${body.activationId}/logs`)).body.logs;
    } while (filed.length < 3);
    assert.deepEqual(filed, [...logs, `${time} stderr: later`]);
  });

  it('are listed newest first, filtered, and kept within bounds', async () => {
    await put('echo');
    await put('throws');
    const ids: string[] = [];
    for (const name of ['echo', 'echo', 'throws', 'echo']) {
      ids.push((await call('POST', `${BASE}/actions/${name}?blocking=true`)).body.activationId);
    }
    const listed = (await call('GET', `${BASE}/activations`)).body;
    assert.deepEqual(
      listed.map(({ activationId }: { activationId: string }) => activationId),
      ids.slice(1).reverse(),
    );
    assert.equal(listed[1].statusCode, 2);
    assert.equal((await call('GET', `${BASE}/activations?name=throws`)).body.length, 1);
    assert.equal((await call('GET', `${BASE}/activations?docs=true&limit=1`)).body[0].logs.length, 1);
    const id = ids[3];
    assert.equal((await call('GET', `${BASE}/activations/${id}/logs`)).body.logs.length, 1);
    assert.equal((await call('GET', `${BASE}/activations/${id}/result`)).body.status, 'success');
    assert.equal((await call('GET', `${BASE}/activations/${ids[0]}`)).status, 404);
    assert.equal((await call('GET', `${BASE}/activations?limit=x`)).status, 400);
  });
});
