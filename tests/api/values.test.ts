import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { type Api, createApi } from '../../src/api/server.ts';
import { JsonText } from '../../src/json/json-text.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';
import { ActivationLog } from '../../src/uc/activation-log.ts';
import { FakeNode } from '../support/fake-node.ts';

const ACTIONS = '/api/v1/namespaces/_/actions';
const ACTIVATIONS = '/api/v1/namespaces/_/activations';

let codeDir: string;
let api: Api;
const node = new FakeNode();

before(async () => {
  codeDir = await mkdtemp(join(tmpdir(), 'seuss-values-'));
  const packager = new Packager({ codeDir, resolveKind: (kind) => resolveKind(kind).name });
  api = createApi({ node, packager, kinds: ['nodejs:24'] });
});
after(() => rm(codeDir, { recursive: true }));

/** Bodies both ways are texts, since that is what this is about. */
async function call(method: 'GET' | 'PUT' | 'POST', url: string, body?: string) {
  const response = await api.app.inject({
    method,
    url,
    headers: { authorization: `Basic ${btoa(DEFAULT_GUEST_KEY)}`, 'content-type': 'application/json' },
    ...(body !== undefined && { payload: body }),
  });
  return { status: response.statusCode, text: response.payload, type: response.headers['content-type'] };
}

async function put(name: string, more = ''): Promise<void> {
  const { status, text } = await call(
    'PUT',
    `${ACTIONS}/${name}?overwrite=true`,
    `{"exec":{"kind":"nodejs:24","code":"echo"}${more}}`,
  );
  assert.equal(status, 200, text);
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a value of a client', () => {
  it('comes back to the digit, in the answer and in the record', async () => {
    await put('echo');
    const big = `1${'0'.repeat(400)}`;
    for (const value of [
      `{"n":9007199254740993,"m":-9007199254740993,"big":${big}}`,
      '{"price":10.0,"zero":-0.0,"minus":-0,"small":1E-400,"large":1e+400,"exact":0.1000}',
      '{"a":"é€😀","escaped":"\\u00e9\\/","lone":"\\ud800"}',
      '{"a":1,"a":2.0,"__proto__":{"toString":1.50}}',
      '[1.0,[ 2.00 ],"\u2028"]',
      // Long enough to be read and sent in pieces, none of which may end within a character.
      `["${'😀'.repeat(60_000)}"]`,
      `["x${'😀'.repeat(60_000)}",${'9007199254740993.0,'.repeat(5000)}0]`,
    ]) {
      const bare = await call('POST', `${ACTIONS}/echo?blocking=true&result=true`, value);
      assert.deepEqual([bare.status, bare.text], [200, value]);
      assert.equal(bare.type, 'application/json; charset=utf-8');
      const full = await call('POST', `${ACTIONS}/echo?blocking=true`, value);
      assert.ok(full.text.includes(`"result":${value}`), full.text);
      const { activationId, response } = JSON.parse(full.text);
      assert.equal(response.size, Buffer.byteLength(value));
      for (const url of [`/${activationId}`, `/${activationId}/result`, '?docs=true&limit=1']) {
        const found = await call('GET', `${ACTIVATIONS}${url}`);
        assert.ok(found.text.includes(`"result":${value}`), found.text);
        JSON.parse(found.text);
      }
    }
  });

  it('may stand on many lines', async () => {
    await put('echo');
    const { text } = await call(
      'POST',
      `${ACTIONS}/echo?blocking=true&result=true`,
      '\n{\n"a":\r\n[1.0]\n}\n',
    );
    assert.equal(text, '{ "a":\r [1.0] }');
  });

  it('goes over a parameter of the action, which keeps its digits, too', async () => {
    await put('both', ',"parameters":[{"key":"n","value":9007199254740993},{"key":"o","value":{"x": 1.0}}]');
    const invoked = async (body?: string) =>
      (await call('POST', `${ACTIONS}/both?blocking=true&result=true`, body)).text;
    assert.equal(await invoked(), '{"n":9007199254740993,"o":{"x":1.0}}');
    assert.equal(await invoked('{ }'), '{"n":9007199254740993,"o":{"x":1.0}}');
    const merged = JSON.parse(await invoked('{"p":2.0,"o":null}'));
    assert.deepEqual(merged, { n: 9007199254740992, o: null, p: 2 });
    assert.equal(await invoked('[10.0]'), '[10.0]');
    const shown = await call('GET', `${ACTIONS}/both`);
    assert.ok(shown.text.includes('"value":9007199254740993'), shown.text);
  });

  it('becomes a variable with all its digits', async () => {
    const parameters = [
      '{"key":"N","value":9007199254740993,"init":true}',
      '{"key":"O","value":{ "x": 10.0 },"init":true}',
      '{"key":"S","value":"\\u00e9","init":true}',
      '{"key":"E","value":null,"init":true}',
    ];
    await put('init', `,"parameters":[${parameters.join(',')}]`);
    const { env } = api.actions.get('guest', 'init').action;
    assert.deepEqual(env, { N: '9007199254740993', O: '{"x":10.0}', S: 'é', E: '' });
  });

  it('of an annotation is shown as it was put', async () => {
    await put(
      'annotated',
      ',"annotations":[{"key":"rate","value":10.0},{"key":"id","value":9007199254740993}]',
    );
    const { text } = await call('GET', `${ACTIONS}/annotated`);
    assert.ok(
      text.includes('{"key":"rate","value":10.0}') && text.includes('"value":9007199254740993'),
      text,
    );
  });
});

describe('JSON that is deep', () => {
  it('is an argument up to 1,000 levels, and then refused before anything runs', async () => {
    await put('echo');
    const invoke = (body: string) => call('POST', `${ACTIONS}/echo?blocking=true&result=true`, body);
    for (const body of [nested(1000), `{"a":${nested(999)}}`]) {
      assert.deepEqual((await invoke(body)).text, body);
    }
    for (const body of [nested(1001), `{"a":${nested(1000)}}`, nested(100_000), '['.repeat(1_000_000)]) {
      const { status, text } = await invoke(body);
      assert.equal(status, 400);
      assert.match(text, /nested more than 1000 levels deep/);
    }
  });

  it('is no reason to fail where an action is put', async () => {
    for (const deep of [nested(5000), '{"a":'.repeat(5000) + 1 + '}'.repeat(5000)]) {
      for (const where of [
        `"parameters":[{"key":"a","value":${deep}}]`,
        `"annotations":[{"key":"seuss","value":${deep}}]`,
        `"exec":${deep}`,
        `"x":${deep}`,
      ]) {
        const { status } = await call('PUT', `${ACTIONS}/deep?overwrite=true`, `{${where}}`);
        assert.equal(status, 400);
      }
    }
    await put('deep', `,"parameters":[{"key":"a","value":${nested(900)}}]`);
    const { text } = await call('POST', `${ACTIONS}/deep?blocking=true&result=true`);
    assert.equal(text, `{"a":${nested(900)}}`);
  });

  it('is answered for when it is the result', async () => {
    node.behaviours.deep = () => ({ result: JsonText.parse(nested(1000)) });
    await call('PUT', `${ACTIONS}/d`, '{"exec":{"kind":"nodejs:24","code":"deep"}}');
    const full = await call('POST', `${ACTIONS}/d?blocking=true`);
    assert.equal(full.status, 200);
    assert.ok(full.text.includes(nested(1000)));
  });
});

describe('the limit on arguments', () => {
  it('counts bytes of UTF-8, whether they are escaped or not', async () => {
    await put('echo');
    const statuses: number[] = [];
    for (const unit of ['é', '\\u00e9', '😀', '\\ud83d\\ude00', '"'.replace('"', '\\"')]) {
      for (const bytes of [1_000_000, 1_060_000]) {
        const each = unit.includes('d83d') || unit === '😀' ? 4 : 2;
        const body = `{"t":"${unit.repeat(bytes / each)}"}`;
        statuses.push((await call('POST', `${ACTIONS}/echo?blocking=true&result=true`, body)).status);
      }
    }
    assert.deepEqual(statuses, Array(5).fill([200, 413]).flat());
  });
});

describe('an activation with many log lines', () => {
  it('is answered in turns with others, whole', async () => {
    const log = new ActivationLog();
    for (let i = 0; i < 3; i++) log.add('stdout', undefined, Buffer.from('\n'.repeat(30_000)), i);
    log.add('stderr', undefined, Buffer.from(`"${'é'.repeat(100_000)}\nlast\n`), 4);
    node.behaviours.chatty = () => ({ log });
    await call('PUT', `${ACTIONS}/chatty`, '{"exec":{"kind":"nodejs:24","code":"chatty"}}');
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    count();
    const full = JSON.parse((await call('POST', `${ACTIONS}/chatty?blocking=true`)).text);
    counting = false;
    // Each brings at least 64 KB of 4 MB.
    assert.ok(turns > 5, String(turns));
    const lines = log.document().value();
    assert.equal((lines as string[]).length, 90_002);
    assert.deepEqual(full.logs, lines);
    for (const url of [`/${full.activationId}`, `/${full.activationId}/logs`]) {
      assert.deepEqual(JSON.parse((await call('GET', `${ACTIVATIONS}${url}`)).text).logs, lines);
    }
    const [listed] = JSON.parse((await call('GET', `${ACTIVATIONS}?docs=true&limit=2`)).text);
    assert.deepEqual(listed.logs, lines);
  });
});
