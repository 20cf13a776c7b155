/** Long bodies: what they may be, who works on them, and what is left of them. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { cutCode, REST_BYTES_MAX } from '../../src/action/cut-code.ts';
import { LongCode } from '../../src/action/long-code.ts';
import { Packager } from '../../src/action/packager.ts';
import { processFolder, sweepProcessFolders } from '../../src/action/process-folder.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { ActionCatalog } from '../../src/catalog/action-catalog.ts';
import { ActionFiles } from '../../src/catalog/action-files.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { storedZipOf, zipOf } from '../support/archives.ts';
import { FakeNode } from '../support/fake-node.ts';

const authorization = `Basic ${Buffer.from(DEFAULT_GUEST_KEY).toString('base64')}`;
const MB = 1024 * 1024;

let dir: string;
let node: FakeNode;
let packager: Packager;
let actions: ActionCatalog;
let app: FastifyInstance;
let url: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-uploads-'));
  mkdirSync(join(dir, 'actions'));
  mkdirSync(join(dir, 'tmp'));
  await open();
});
afterEach(async () => {
  await app.close();
  await rm(dir, { recursive: true });
});

async function open(): Promise<void> {
  node = new FakeNode();
  packager = new Packager({ codeDir: join(dir, 'code'), resolveKind: (kind) => resolveKind(kind).name });
  actions = await ActionCatalog.open(packager, new ActionFiles(dir), (path, reason) => {
    throw new Error(`${path}: ${reason}`);
  });
  app = createApi({ node, packager, actions, kinds: kindNames() }).app;
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/v1/namespaces/_/actions`;
}

async function call(method: string, path: string, body?: string | Buffer) {
  const response = await fetch(`${url}/${path}`, { method, headers: { authorization }, body: body ?? null });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

function put(name: string, code: string, more: object = {}, binary = true) {
  const body = JSON.stringify({ ...more, exec: { kind: 'nodejs:24', code, binary } });
  return call('PUT', `${name}?overwrite=true`, body);
}

/** What is on its way out, under another name, does not count; that it goes is seen at the end. */
const images = () => readdirSync(join(dir, 'code')).filter((name) => name.endsWith('.erofs'));

async function noMoreThan(files: number): Promise<void> {
  while (readdirSync(join(dir, 'code')).length > files) await sleep(5);
}
const MAIN = 'exports.main = () => ({})';

describe('long code', () => {
  it('is kept and handed out as it came, over a restart too', async () => {
    const code = await storedZipOf({ 'index.js': MAIN, data: 'x'.repeat(3 * MB) });
    const made = await put('f', code, { parameters: [{ key: 'n', value: 1 }] });
    assert.deepEqual([made.status, made.body.exec.code === code, made.body.exec.binary], [200, true, true]);
    assert.ok(actions.get('guest', 'f').exec.code instanceof LongCode);
    for (let turn = 0; turn < 2; turn++) {
      const got = await call('GET', 'f');
      assert.equal(got.body.exec.code, code);
      assert.deepEqual(got.body.parameters, [{ key: 'n', value: 1 }]);
      assert.equal((await call('GET', 'f?code=false')).body.exec.code, undefined);
      await app.close();
      await open();
    }
  });

  it('as text reaches the node as it was written, escapes and all', async () => {
    const code = `exports.main = () => "\u00fc\\u00e9\u2028 \u{1f600}"; //${'\t\\"'.repeat(200_000)}`;
    assert.equal((await put('f', code, {}, false)).status, 200);
    const { action } = actions.get('guest', 'f');
    assert.ok(action.code.type === 'source' && action.code.source === code);
    assert.equal((await call('GET', 'f')).body.exec.code, code);
    const short = await packager.fromExec({ kind: 'nodejs:24', code: MAIN }, { name: 'guest/f' });
    assert.notEqual(short.digest, action.digest);
  });

  it('stays where an update does not bring other code, and is not packed again', async () => {
    const code = await storedZipOf({ 'index.js': MAIN, data: 'x'.repeat(MB) });
    await put('f', code);
    const { ino } = statSync(join(dir, 'code', images()[0] as string));
    const updated = await call('PUT', 'f?overwrite=true', JSON.stringify({ limits: { memory: 128 } }));
    assert.deepEqual([updated.status, updated.body.version], [200, '0.0.2']);
    assert.equal(updated.body.exec.code, code);
    assert.deepEqual(
      images().map((name) => statSync(join(dir, 'code', name)).ino),
      [ino],
    );
  });

  it('with faults is refused with the reason, and nothing is left of it', async () => {
    const zip = await storedZipOf({ 'other.js': MAIN, data: 'x'.repeat(MB) });
    const good = await storedZipOf({ 'index.js': MAIN, data: 'x'.repeat(MB) });
    const exec = (code: string) => `{"exec":{"kind":"nodejs:24","code":"${code}"`;
    const cases: [string, number, RegExp][] = [
      [`${exec(zip)}}}`, 400, /index\.js/],
      [`${exec(good)}}`, 400, /malformed/],
      [`${exec(`${good}\\x`)}}}`, 400, /no JSON text/],
      [`${exec(`${good}\n`)}}}`, 400, /no JSON text/],
      [`${exec(good)},"main":"a b"}}`, 400, /entry point/],
      [`${exec(good)}},"limits":{"memory":1}}`, 400, /limits\.memory/],
      [`${exec(good).replace('nodejs:24', 'cobol')}}}`, 400, /cobol/],
      [`{"exec":{"kind":7,"code":"${good}"}}`, 400, /exec\.kind/],
      [`{"exec":{"kind":"nodejs:24","code":["${good}"]}}`, 413, /beside its code/],
      [`{"annotations":"${'x'.repeat(2 * MB)}"}`, 413, /beside its code/],
      [`{"exec":{"x":${'['.repeat(900_000)}`, 400, /levels deep/],
      [`${'{},'.repeat(600_000)}`, 413, /beside its code/],
      [`${'['.repeat(300_000)}`, 400, /levels deep/],
    ];
    for (const [body, status, text] of cases) {
      const answer = await call('PUT', 'bad', body);
      const shown = JSON.stringify(answer.body).slice(0, 300);
      assert.deepEqual([answer.status, text.test(answer.body.error)], [status, true], shown);
    }
    assert.deepEqual(images(), []);
    assert.equal(actions.size, 0);
  });

  it('of an action that is there is refused before it is sent', async () => {
    await put('f', await zipOf({ 'index.js': MAIN }));
    const body = JSON.stringify({ exec: { kind: 'nodejs:24', code: 'x'.repeat(6 * MB) } });
    assert.equal((await call('PUT', 'f', body)).status, 409);
  });

  it('leaves the node its thread while it is packed', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const data = 'x'.repeat(8 * MB);
    const code = await storedZipOf({ 'index.js': MAIN, data });
    const body = JSON.stringify({ exec: { kind: 'nodejs:24', code, binary: true } });
    turns = 0;
    try {
      const response = await app.inject({
        method: 'PUT',
        url: '/api/v1/namespaces/_/actions/f?overwrite=true',
        headers: { authorization },
        payload: body,
      });
      assert.equal(response.statusCode, 200);
    } finally {
      clearInterval(ticking);
    }
    assert.ok(turns > 20, `${turns} turns of the event loop`);
  });
});

describe('values of an action', () => {
  it('are bounded, however many updates bring them', async () => {
    await put('f', MAIN, {}, false);
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const annotations = [{ key: `a${i}`, value: 'x'.repeat(600_000) }];
      statuses.push((await call('PUT', 'f?overwrite=true', JSON.stringify({ annotations }))).status);
    }
    assert.deepEqual(statuses, [200, 413, 413]);
  });
});

describe('images of code', () => {
  it('go with the actions that they are of', async () => {
    for (let i = 0; i < 20; i++) {
      await put('f', await zipOf({ 'index.js': `${MAIN} // ${i}` }));
    }
    assert.equal(images().length, 1);
    await put('g', await zipOf({ 'index.js': `${MAIN} // 19` }));
    assert.equal(images().length, 1);
    await put('g', await zipOf({ 'index.js': `${MAIN} // other` }));
    assert.equal(images().length, 2);
    await call('DELETE', 'f');
    await call('DELETE', 'g');
    assert.deepEqual(images(), []);
    await noMoreThan(0);
  });

  it('stay while an invocation needs them', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.behaviours.echo = async () => {
      await promise;
      return { result: {} };
    };
    await put('f', await zipOf({ 'index.js': MAIN }));
    const [first] = images();
    const running = call('POST', 'f?blocking=true');
    while (node.invoking === 0) await sleep(5);
    await put('f', await zipOf({ 'index.js': `${MAIN};` }));
    assert.ok(images().includes(first as string));
    resolve();
    assert.equal((await running).status, 200);
    assert.equal(images().length, 1);
    assert.ok(!images().includes(first as string));
  });

  it('that nobody needs, and those half written, are gone after a start', async () => {
    await put('f', await zipOf({ 'index.js': MAIN }));
    const [used] = images();
    await app.close();
    writeFileSync(join(dir, 'code', `${'0'.repeat(64)}.erofs`), '');
    writeFileSync(join(dir, 'code', 'abc.tmp'), '');
    writeFileSync(join(dir, 'code', 'note.txt'), 'of somebody');
    await open();
    assert.deepEqual(readdirSync(join(dir, 'code')).sort(), [used, 'note.txt'].sort());
  });

  it('of a process go with it, or with the next one', async () => {
    const parent = join(dir, 'shared');
    const own = processFolder(parent);
    const [tag, pid, start] = own.slice(parent.length + 1).split('-') as [string, string, string];
    const gone = [
      join(parent, `${tag}-${pid}-${Number(start) + 1}`),
      join(parent, `${tag}-4194305-${start}`),
    ];
    const [other, earlier] = [
      join(parent, `00000000-${pid}-${start}`),
      join(parent, `${'a'.repeat(64)}.erofs`),
    ];
    for (const path of [own, ...gone, other, earlier]) mkdirSync(path, { recursive: true });
    writeFileSync(join(parent, 'mine.txt'), '');
    const longAgo = Date.now() / 1000 - 100_000;
    utimesSync(join(parent, 'mine.txt'), longAgo, longAgo);
    await sweepProcessFolders(parent);
    assert.deepEqual(readdirSync(parent).length, 4);
    for (const path of [own, other, earlier]) utimesSync(path, longAgo, longAgo);
    await sweepProcessFolders(parent);
    assert.deepEqual(readdirSync(parent).sort(), [own.slice(parent.length + 1), 'mine.txt'].sort());
  });
});

describe('the code in a document', () => {
  it('is cut out where it is, and nowhere else', () => {
    const cut = (text: string) => {
      const { rest, literal } = cutCode(Buffer.from(text));
      return [rest, literal?.toString()];
    };
    assert.deepEqual(cut('{"exec":{"code":"a\\"b","kind":"k"}}'), [
      '{"exec":{"code":"","kind":"k"}}',
      '"a\\"b"',
    ]);
    assert.deepEqual(cut('{"exec" : {"code" :\n"\\\\"}, "x":1}'), [
      '{"exec" : {"code" :\n""}, "x":1}',
      '"\\\\"',
    ]);
    assert.deepEqual(cut('{"\\u0065xec":{"c\\u006fde":"x"}}'), ['{"\\u0065xec":{"c\\u006fde":""}}', '"x"']);
    // Of two the last counts, as in every parser.
    assert.deepEqual(cut('{"exec":{"code":"a","code":"b"}}'), ['{"exec":{"code":"","code":""}}', '"b"']);
    for (const text of [
      '{"code":"a"}',
      '{"exec":["code","a"]}',
      '[{"exec":{"code":"a"}}]',
      '{"exec":{"x":{"code":"a"}}}',
      '{"exec":"code"}',
      '{"execs":{"code":"a"}}',
      '{"exec":{"code":7}}',
      '{"exec":{"code":{"code":"a"}}}',
      '"',
      '{"exec":{"code',
      '}}]]{"x"',
      '',
    ]) {
      assert.deepEqual(cut(text), [text, undefined]);
    }
    assert.throws(() => cutCode(Buffer.alloc(REST_BYTES_MAX + 1, ' ')), { code: 'document_too_large' });
  });
});
