/** Actions that outlive the server. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Packager } from '../../src/action/packager.ts';
import { putAction } from '../../src/api/openwhisk/put-action.ts';
import type { ActionPut } from '../../src/api/schemas.ts';
import { ActionCatalog } from '../../src/catalog/action-catalog.ts';
import { ActionFiles } from '../../src/catalog/action-files.ts';
import type { ActionRecord } from '../../src/catalog/action-record.ts';
import { JsonText } from '../../src/json/json-text.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';
import { zipOf } from '../support/archives.ts';

const exec = { kind: 'nodejs:default', code: 'exports.main = () => ({})' };

let dir: string;
let bad: [path: string, reason: string][];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-catalog-'));
  bad = [];
  await mkdir(join(dir, 'actions'));
  await mkdir(join(dir, 'tmp'));
});
afterEach(() => rm(dir, { recursive: true }));

interface Opened {
  readonly packager: Packager;
  readonly actions: ActionCatalog;
}

async function open(): Promise<Opened> {
  const packager = new Packager({
    codeDir: join(dir, 'code'),
    resolveKind: (kind) => resolveKind(kind).name,
  });
  const files = new ActionFiles(dir);
  return { packager, actions: await ActionCatalog.open(packager, files, (...report) => bad.push(report)) };
}

async function put(opened: Opened, name: string, content: ActionPut = { exec }): Promise<ActionRecord> {
  return (await putAction(opened, { namespace: 'guest', name, overwrite: true }, content)).record;
}

const actionFiles = async (): Promise<string[]> => await readdir(join(dir, 'actions'));

describe('a catalogue of actions on files', () => {
  it('is the same when it is opened again', async () => {
    const first = await open();
    await put(first, 'plain');
    await put(first, 'plain', { publish: true });
    await put(first, 'full', {
      exec: { ...exec, main: 'entry', kind: 'python:3' },
      parameters: [
        { key: 'A', value: JsonText.of({ b: [1, null, 'ü'] }), init: true },
        { key: 'c', value: JsonText.parse('9007199254740993') },
      ],
      annotations: [
        {
          key: 'seuss',
          value: JsonText.of({ state: 'reset', specialize: [{ x: 1 }], warmup: { runs: 3 } }),
        },
      ],
      limits: { timeout: 1000, memory: 128, logs: 1 },
    });
    await put(first, 'archive', {
      exec: { kind: 'nodejs:24', code: await zipOf({ 'index.js': exec.code }), binary: true },
    });
    await put(first, 'gone');
    await first.actions.delete('guest', 'gone');
    const second = await open();
    assert.deepEqual(bad, []);
    const byName = ({ actions }: Opened): ActionRecord[] =>
      actions.list('guest').toSorted((a, b) => (a.name < b.name ? -1 : 1));
    assert.deepEqual(byName(second), byName(first));
    assert.deepEqual(
      byName(second).map(({ name, version }) => [name, version]),
      [
        ['archive', '0.0.1'],
        ['full', '0.0.1'],
        ['plain', '0.0.2'],
      ],
    );
    // What was left out of an update is still known.
    assert.equal((await put(second, 'full', { publish: true })).exec.main, 'entry');
  });

  it('makes the image of an archive again when it is gone', async () => {
    const content = {
      exec: { kind: 'nodejs:24', code: await zipOf({ 'index.js': exec.code }), binary: true },
    };
    const { action } = await put(await open(), 'archive', content);
    await rm(join(dir, 'code'), { recursive: true });
    const again = (await open()).actions.get('guest', 'archive').action;
    assert.deepEqual(again, action);
    assert.equal(again.code.type === 'image' && (await readFile(again.code.imagePath)).length > 0, true);
  });

  it('leaves out what is damaged, and says so', async () => {
    const first = await open();
    for (let i = 0; i < 6; i++) await put(first, `f${i}`);
    const files = (await actionFiles()).map((name) => join(dir, 'actions', name));
    const [flipped, cut, empty, foreign] = files as [string, string, string, string];
    const bytes = await readFile(flipped);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await writeFile(flipped, bytes);
    await truncate(cut, 100);
    await truncate(empty, 0);
    await writeFile(foreign, '{"format":1}\n');
    const second = await open();
    assert.equal(second.actions.list('guest').length, 2);
    assert.deepEqual(bad.map(([path]) => path).sort(), [flipped, cut, empty, foreign].sort());
    // A new action takes the place of the damaged one.
    bad = [];
    for (let i = 0; i < 6; i++) await put(second, `f${i}`);
    assert.equal((await open()).actions.size, 6);
    assert.deepEqual(bad, []);
  });

  it('says so when an action cannot be stored, and keeps the old one', async () => {
    const opened = await open();
    const { actions } = opened;
    const before = await put(opened, 'f');
    await rm(join(dir, 'tmp'), { recursive: true });
    await assert.rejects(put(opened, 'f', { publish: true }), { code: 'store_failed' });
    await assert.rejects(put(opened, 'g'), { code: 'store_failed' });
    assert.equal(actions.get('guest', 'f'), before);
    assert.equal(actions.size, 1);
    await mkdir(join(dir, 'tmp'));
    await put(opened, 'g');
    assert.equal((await open()).actions.size, 2);
  });

  it('ends with what the last answered change said, whatever happens at once', async () => {
    const opened = await open();
    const { actions } = opened;
    const tries = Array.from({ length: 40 }, (_, i) =>
      i % 5 === 4
        ? actions.delete('guest', 'f').then(() => undefined)
        : put(opened, 'f', { exec, version: `1.0.${i}` }),
    );
    const results = await Promise.allSettled(tries);
    assert.ok(results.some(({ status }) => status === 'fulfilled'));
    const expected = ['unknown_entity', 'concurrent_change'];
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(expected.includes(result.reason.code));
    }
    assert.deepEqual((await open()).actions.list('guest'), actions.list('guest'));
  });
});
