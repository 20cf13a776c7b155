import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { FakeNode } from '../support/fake-node.ts';

const BASE = '/seuss/v1';
const authorization = `Basic ${Buffer.from(DEFAULT_GUEST_KEY).toString('base64')}`;
const OWN = 'a'.repeat(16);
const OTHERS = 'b'.repeat(16);
const RUNTIME = 'c'.repeat(16);
const RUNNING = '1'.repeat(32);
const OTHERS_RUNNING = '2'.repeat(32);

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
  app = createApi({ node, packager, kinds: kindNames() }).app;
  node.snapshots.push(
    snapshot(OWN, 'capture', 'guest/own'),
    snapshot(OTHERS, 'function', 'guests/theirs'),
    snapshot(RUNTIME, 'runtime', 'nodejs:24'),
  );
  const running = { phase: 'running', path: 'hot', startMs: 1 } as const;
  node.runningNow.push(
    { id: RUNNING, of: 'guest/own', ...running },
    { id: OTHERS_RUNNING, of: 'other/theirs', ...running },
  );
});

function snapshot(id: string, kind: SnapshotInfo['kind'], of: string): SnapshotInfo {
  const sizes = { ownBytes: 1, ownPages: 2, sharedPages: 3, maps: 4, deploys: 5, createdMs: 6 };
  return { id, kind, parent: null, of, ...sizes, stored: false, compact: false };
}

async function call(method: 'GET' | 'POST' | 'DELETE' | 'PUT', url: string, payload?: object) {
  const response = await app.inject({
    method,
    url,
    headers: { authorization },
    ...(payload !== undefined && { payload }),
  });
  return { status: response.statusCode, body: response.json() };
}

describe('snapshots over HTTP', () => {
  it('need the key', async () => {
    for (const path of ['/snapshots', '/activations/running', `/snapshots/${OWN}`]) {
      assert.equal((await app.inject(`${BASE}${path}`)).statusCode, 401);
    }
  });

  it("are shown if they are a runtime's or of the subject's own actions", async () => {
    const { body } = await call('GET', `${BASE}/snapshots`);
    assert.deepEqual(
      body.map(({ id }: SnapshotInfo) => id),
      [OWN, RUNTIME],
    );
  });

  it('of others are not there', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/resume'],
      ['GET', `/diff/${OWN}`],
    ] as const) {
      assert.equal((await call(method, `${BASE}/snapshots/${OTHERS}${path}`)).status, 404);
    }
    assert.equal((await call('GET', `${BASE}/snapshots/${OWN}/diff/${OTHERS}`)).status, 404);
    assert.deepEqual(node.calls, []);
  });

  it('with ids that are none are refused before the node hears of them', async () => {
    for (const id of ['..%252f..', 'x', 'A'.repeat(16), '%2500', '0'.repeat(17), `${OWN}%C2%A0`, "'or 1=1"]) {
      const { status, body } = await call('GET', `${BASE}/snapshots/${id.replaceAll(' ', '%20')}`);
      assert.deepEqual([status, /16 hexadecimal digits/.test(body.error)], [400, true], id);
    }
    assert.equal((await call('POST', `${BASE}/snapshots/${OWN}/resume?timeout=x`)).status, 400);
    assert.deepEqual(node.calls, []);
  });

  it('are compared and dropped', async () => {
    const diff = await call('GET', `${BASE}/snapshots/${OWN}/diff/${RUNTIME}`);
    assert.deepEqual([diff.status, diff.body.a, diff.body.b], [200, OWN, RUNTIME]);
    assert.equal((await call('DELETE', `${BASE}/snapshots/${OWN}`)).body.id, OWN);
    assert.deepEqual(node.calls, [`drop ${OWN}`]);
  });

  it('that go meanwhile, or cannot do what is asked, say so', async () => {
    assert.equal((await call('GET', `${BASE}/snapshots/${OWN}`)).status, 404);
    assert.equal((await call('POST', `${BASE}/snapshots/${RUNTIME}/resume`)).status, 409);
    // Its action is gone.
    assert.equal((await call('POST', `${BASE}/snapshots/${OWN}/resume?blocking=true`)).status, 404);
    await call('PUT', '/api/v1/namespaces/_/actions/own', { exec: { kind: 'nodejs:24', code: 'echo' } });
    const { status, body } = await call('POST', `${BASE}/snapshots/${OWN}/resume?blocking=true`);
    assert.deepEqual([status, body.reason], [409, 'not_resumable']);
  });
});

describe('running activations over HTTP', () => {
  it("are the subject's own", async () => {
    const { body } = await call('GET', `${BASE}/activations/running`);
    assert.deepEqual(
      body.map(({ id }: { id: string }) => id),
      [RUNNING],
    );
  });

  it('are captured, others are not', async () => {
    const captured = await call('POST', `${BASE}/activations/${RUNNING}/capture`);
    assert.deepEqual([captured.status, captured.body.reason], [409, 'not_running']);
    for (const id of [OTHERS_RUNNING, '3'.repeat(32)]) {
      assert.equal((await call('POST', `${BASE}/activations/${id}/capture`)).status, 404);
    }
    for (const id of ['1', 'Z'.repeat(32), '%00']) {
      assert.equal((await call('POST', `${BASE}/activations/${id}/capture`)).status, 400);
    }
    assert.deepEqual(node.calls, [`capture ${RUNNING}`]);
  });

  it('that have ended are told apart from those that never were', async () => {
    await call('PUT', '/api/v1/namespaces/_/actions/own', { exec: { kind: 'nodejs:24', code: 'echo' } });
    const { body } = await call('POST', '/api/v1/namespaces/_/actions/own?blocking=true');
    const ended = await call('POST', `${BASE}/activations/${body.activationId}/capture`);
    assert.equal(ended.status, 409);
    assert.match(ended.body.error, /has ended/);
  });
});
