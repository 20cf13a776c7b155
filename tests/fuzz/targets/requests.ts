/**
 * HTTP from anybody: no answer but a refusal without the key, however a request is written, and an
 * end to each.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packager } from '../../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../../src/api/auth.ts';
import { createApi } from '../../../src/api/server.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { RawHttp } from '../../support/raw-http.ts';
import type { Target } from '../target.ts';

const KEY = Buffer.from(DEFAULT_GUEST_KEY).toString('base64');
const NO_KEY = KEY.replaceAll(/[A-Za-z]/g, 'A');
const ACTIONS = '/api/v1/namespaces/_/actions';

const dir = mkdtempSync(join(tmpdir(), 'seuss-fuzz-'));
const node = new FakeNode();
const packager = new Packager({ codeDir: dir, resolveKind: (kind) => kind });
const { app } = createApi({ node, packager, kinds: ['nodejs:24'], key: DEFAULT_GUEST_KEY });
const ready = app.listen({ port: 0, host: '127.0.0.1' });

function request(line: string, body = '', head = ''): Buffer {
  return Buffer.from(
    `${line} HTTP/1.1\r\nhost: x\r\nauthorization: Basic ${KEY}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`,
  );
}

/** All that the server says until it has nothing more to say, or hangs up. */
async function exchange(input: Buffer): Promise<string> {
  await ready;
  const connection = await RawHttp.open((app.server.address() as AddressInfo).port);
  connection.socket.end(input);
  await connection.closed;
  return connection.said;
}

export const requests: Target = {
  name: 'requests',
  seeds: () => [
    request(
      `PUT ${ACTIONS}/f?overwrite=true`,
      '{"exec":{"kind":"nodejs:24","code":"echo"},"limits":{"timeout":1000}}',
    ),
    request(`POST ${ACTIONS}/f?blocking=true&result=true`, '{"a":1,"b":[null,-0,1e400,"\\ud800"]}'),
    request(`GET ${ACTIONS}?limit=2&skip=0`),
    request('GET /ping'),
    request('GET /seuss/v1/snapshots/0123456789abcdef'),
    request(`DELETE ${ACTIONS}/f`),
    request('POST /%61pi/v1/namespaces/_/actions/f', '{}', 'expect: 100-continue\r\n'),
    Buffer.from(
      `POST ${ACTIONS}/f HTTP/1.1\r\nhost: x\r\nauthorization: Basic ${KEY}\r\n` +
        'transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    ),
  ],
  one: async (input) => {
    for (const status of (await exchange(input)).matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
      // 500 is for faults of the node; the actions of this one fail by themselves with 502.
      assert.notEqual(status[1], '500');
    }
    const without = Buffer.from(input.toString('latin1').replaceAll(KEY, NO_KEY), 'latin1');
    if (without.includes(KEY)) return;
    const before = node.calls.length;
    const said = await exchange(without);
    assert.equal(node.calls.length, before, 'a call of the node without the key');
    assert.ok(!/activationId|"exec"/.test(said), said);
  },
  close: async () => {
    await app.close();
    rmSync(dir, { recursive: true, force: true });
  },
};
