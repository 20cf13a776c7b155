/** What stands before the routes: paths, keys, bodies, connections. Over real sockets. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { BodyBytes } from '../../src/api/http/body-bytes.ts';
import { ByteGate } from '../../src/api/http/byte-gate.ts';
import { HEAD_MS, limitConnections } from '../../src/api/http/connections.ts';
import { Patience } from '../../src/api/http/patience.ts';
import { readBody } from '../../src/api/http/read-body.ts';
import { createApi } from '../../src/api/server.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { FakeNode } from '../support/fake-node.ts';
import { RawHttp } from '../support/raw-http.ts';
import { routesOf } from '../support/routes.ts';

const KEY = `Authorization: Basic ${Buffer.from(DEFAULT_GUEST_KEY).toString('base64')}`;
const ACTION = '/api/v1/namespaces/_/actions/f';
/** The routes that need no key, all of them. */
const PUBLIC = ['GET /', 'HEAD /', 'GET /ping', 'HEAD /ping', 'GET /api/v1', 'HEAD /api/v1'];
const LARGE = 66 * 1024 * 1024;
const patience = new Patience();

let codeDir: string;
let app: FastifyInstance;
let port: number;

before(async () => {
  codeDir = await mkdtemp(join(tmpdir(), 'seuss-edge-'));
  const packager = new Packager({ codeDir, resolveKind: (kind) => resolveKind(kind).name });
  app = createApi({ node: new FakeNode(), packager, kinds: kindNames() }).app;
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
});
after(async () => {
  await app.close();
  await rm(codeDir, { recursive: true });
});

/** The status of a request whose target is sent as it stands. */
function status(method: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject).end();
  });
}

const authorized = { authorization: KEY.slice('Authorization: '.length) };

async function withRaw(work: (raw: RawHttp) => Promise<void>): Promise<void> {
  const raw = await RawHttp.open(port);
  try {
    await work(raw);
  } finally {
    raw.close();
  }
}

describe('every route', () => {
  it('asks for the key, but those that are public', async () => {
    const routes = routesOf(app);
    assert.ok(
      routes.length > 20 && routes.includes('POST /seuss/v1/snapshots/:id/resume'),
      routes.join('\n'),
    );
    for (const route of routes) {
      const [method, path] = route.split(' ') as [string, string];
      const expected = PUBLIC.includes(route) ? 200 : 401;
      assert.equal(await status(method, path.replaceAll(':', '')), expected, route);
    }
  });

  it('asks for it if it is added later and says nothing', async (t) => {
    const packager = new Packager({ codeDir, resolveKind: (kind) => kind });
    const other = createApi({ node: new FakeNode(), packager, kinds: [] }).app;
    t.after(() => other.close());
    other.get('/somewhere/else', async () => 'secret');
    other.register(async (scope) => scope.post('/new', async () => 'secret'), { prefix: '/scope' });
    assert.equal((await other.inject('/somewhere/else')).statusCode, 401);
    assert.equal((await other.inject({ method: 'POST', url: '/scope/new', payload: '{' })).statusCode, 401);
  });

  it('and every method and path beside it tells nothing without the key', async () => {
    for (const path of [
      '/api/v1/',
      '/api/v1/none',
      '/seuss/v1',
      '/seuss/v1/none',
      '/%61pi/v1/none',
      ACTION,
    ]) {
      for (const method of ['OPTIONS', 'PATCH', 'TRACE']) {
        assert.equal(await status(method, path), 401, `${method} ${path}`);
        assert.equal(await status(method, path, authorized), 404, `${method} ${path}`);
      }
    }
    assert.equal(await status('GET', '/favicon.ico'), 404);
  });
});

describe('a path', () => {
  it('is decoded once, before the key is asked for', async () => {
    for (const path of ['/%61pi/v1/namespaces', '/api/%761/namespaces', '/api/v1/%6eamespaces?x=/../%2f']) {
      assert.equal(await status('GET', path), 401, path);
      assert.equal(await status('GET', path, authorized), 200, path);
    }
    assert.equal(await status('GET', '/%2561pi/v1/namespaces'), 404);
  });

  it('with a second reading is refused, with and without the key', async () => {
    for (const path of [
      'http://127.0.0.1/api/v1/namespaces',
      'HTTP://user@host/ping',
      'api/v1/namespaces',
      '*',
      '/api/v1/../v1/namespaces',
      '/./api/v1/namespaces',
      '/api/v1/namespaces/.',
      '/api/v1/%2e%2E/v1/namespaces',
      '/api/v1/.%2e/ping',
      '/api%2fv1/namespaces',
      '/api/v1%2Fnamespaces',
      '/api%5cv1/namespaces',
      '/api\\v1\\namespaces',
      '/api/v1/namespaces%00',
      '/api/v1/namespaces%0d%0a',
      '/api/v1/namespaces#x',
      '/api/v1/%c0%af',
      '/api/v1/%',
      '/api/v1/%zz',
    ]) {
      for (const lines of [[], [KEY]]) {
        await withRaw(async (raw) => {
          raw.send([`GET ${path} HTTP/1.1`, ...lines]);
          assert.match(await raw.says(/\}$/), /^HTTP\/1\.1 400 .*"error"/s, path);
        });
      }
    }
  });
});

describe('a body', () => {
  const put = `PUT ${ACTION} HTTP/1.1`;

  it('is not read, nor asked for, before the key', async () => {
    for (const more of [[], ['Expect: 100-continue'], ['Authorization: Basic AAAA']]) {
      await withRaw(async (raw) => {
        raw.send([put, `Content-Length: ${LARGE}`, ...more]);
        await raw.closed;
        assert.deepEqual(raw.statuses, [401]);
      });
    }
  });

  it('that is refused is left on its connection, which is closed', async () => {
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
    const heads: [string[], number][] = [
      [[put, 'Transfer-Encoding: chunked'], 401],
      [['GET /none HTTP/1.1', 'Transfer-Encoding: chunked'], 404],
      [['GET /../ HTTP/1.1', 'Transfer-Encoding: chunked'], 400],
      [['GET /%zz HTTP/1.1', 'Transfer-Encoding: chunked'], 400],
      [['GET /ping HTTP/1.1', 'Transfer-Encoding: chunked'], 200],
      [[`POST ${ACTION} HTTP/1.1`, KEY, 'Transfer-Encoding: chunked'], 413],
    ];
    for (const [head, expected] of heads) {
      await withRaw(async (raw) => {
        raw.send(head);
        const push = () => raw.socket.writable && raw.socket.write(chunk);
        raw.socket.on('drain', push);
        while (push());
        await raw.closed;
        assert.deepEqual(raw.statuses, [expected], head[0]);
        assert.ok(raw.socket.bytesWritten < LARGE, `${raw.socket.bytesWritten}`);
      });
    }
  });

  it('is asked for once the key and the size are right', async () => {
    const body = JSON.stringify({ exec: { kind: 'nodejs:24', code: 'echo' } });
    await withRaw(async (raw) => {
      raw.send([`${put}`, KEY, 'Expect: 100-continue', `Content-Length: ${body.length}`]);
      await raw.says(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      raw.socket.write(body);
      await raw.says(/"guest"/);
      assert.deepEqual(raw.statuses, [100, 200]);
    });
    await withRaw(async (raw) => {
      raw.send([`POST ${ACTION} HTTP/1.1`, KEY, 'Expect: 100-continue', `Content-Length: ${LARGE}`]);
      await raw.closed;
      assert.deepEqual(raw.statuses, [413]);
    });
  });

  it('of one request does not open the door to the next', async () => {
    await withRaw(async (raw) => {
      const get = (more: string[]) => [`GET ${ACTION} HTTP/1.1`, ...more, 'Host: test', '', ''].join('\r\n');
      raw.socket.write(get([KEY]) + get([]) + get([KEY]) + get([]));
      await raw.says(/(HTTP.*){4}\}$/s);
      assert.deepEqual(raw.statuses, [200, 401, 200, 401]);
    });
  });

  it('arrives whole, however it is cut, and is refused when it does not', async () => {
    const body = JSON.stringify({ text: 'ü'.repeat(40_000) });
    await withRaw(async (raw) => {
      const invoke = `POST ${ACTION}?blocking=true&result=true HTTP/1.1`;
      raw.send([invoke, KEY, 'Transfer-Encoding: chunked', 'Connection: close']);
      const bytes = Buffer.from(body);
      for (let at = 0; at < bytes.length; at += 7777) {
        const part = bytes.subarray(at, at + 7777);
        raw.socket.write(`${part.length.toString(16)}\r\n`);
        raw.socket.write(part);
        raw.socket.write('\r\n');
      }
      raw.socket.write('0\r\n\r\n');
      await raw.closed;
      assert.ok(raw.said.endsWith(Buffer.from(body).toString('latin1')));
    });
    const body3 = Buffer.from('abc');
    const short = new PassThrough();
    short.end(body3);
    await assert.rejects(readBody(short, 4, 10, patience), { status: 400 });
    const long = new PassThrough();
    long.end('abcdefg');
    await assert.rejects(readBody(long, 0, 6, patience), { status: 413 });
    const broken = new PassThrough();
    const reading = readBody(broken, 9, 10, patience);
    broken.destroy();
    await assert.rejects(reading, { status: 400 });
  });

  it('that comes too slowly is given up', async () => {
    const slow = new PassThrough();
    const drip = setInterval(() => slow.write('x'), 10);
    await assert.rejects(readBody(slow, 1000, 1000, patience, { graceMs: 100, bytesPerMs: 1 }), {
      status: 408,
    });
    clearInterval(drip);
  });

  it('takes what it is long, whatever the size of its chunks', () => {
    for (const [declared, chunkBytes] of [
      [0, 1],
      [0, 70_001],
      [300_000, 999],
    ] as const) {
      const body = new BodyBytes(declared);
      const sent = Buffer.alloc(300_000, 'abcdefghijklm');
      for (let at = 0; at < sent.length; at += chunkBytes) body.append(sent.subarray(at, at + chunkBytes));
      assert.equal(body.length, sent.length);
      assert.ok(Buffer.concat(body.pieces()).equals(sent));
      assert.ok(body.pieces().length < 8);
    }
  });
});

describe('the bytes of all bodies', () => {
  it('are bounded: who finds no room waits his turn, then is refused', async () => {
    const gate = new ByteGate(100, 2, 50);
    const leaveFirst = await gate.enter(500);
    const second = gate.enter(60);
    const third = gate.enter(60);
    await assert.rejects(gate.enter(1), { status: 429 });
    leaveFirst();
    const leaveSecond = await second;
    await assert.rejects(third, { status: 429 });
    leaveSecond();
    const leaves = await Promise.all([gate.enter(50), gate.enter(50)]);
    for (const leave of leaves) leave();
    await gate.enter(100);
  });
});

describe('connections', () => {
  it('with a head that is too large or too slow are closed', async () => {
    await withRaw(async (raw) => {
      raw.send(['GET /ping HTTP/1.1', `X-Large: ${'x'.repeat(20_000)}`]);
      await raw.closed;
      assert.deepEqual(raw.statuses, [431]);
    });
    assert.equal(app.server.headersTimeout, HEAD_MS);
    app.server.headersTimeout = 100;
    try {
      const [silent, half] = [await RawHttp.open(port), await RawHttp.open(port)];
      half.socket.write('GET /ping HTTP/1.1\r\nHost: x\r\n');
      await Promise.all([silent.closed, half.closed]);
      assert.deepEqual(half.statuses, [408]);
    } finally {
      app.server.headersTimeout = HEAD_MS;
    }
  });

  it('are bounded, and idle ones make room', async (t) => {
    const server: Server = createServer((_request, response) => response.end('ok'));
    limitConnections(server, 16);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const open: RawHttp[] = [];
    t.after(() => {
      for (const raw of open) raw.close();
    });
    for (let i = 0; i < 40; i++) {
      const raw = await RawHttp.open((server.address() as AddressInfo).port);
      open.push(raw);
      raw.send(['GET / HTTP/1.1']);
      await raw.says(/ok/);
    }
    const count = await new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
    assert.ok((count as number) <= 16);
    assert.ok((app.server.maxConnections ?? 0) <= 4096);
  });
});
