import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import type { ImageEntry } from '../../src/image/entries.ts';
import { hostTree } from '../../src/image/host-tree.ts';
import { writeImage } from '../../src/image/write-image.ts';

const hasErofsUtils = spawnSync('fsck.erofs', ['--help']).error === undefined;

function file(path: string, data: string | Uint8Array, mode = 0o644): ImageEntry {
  return { path, mode, mtimeMs: 1_700_000_000_123, source: { type: 'bytes', data: Buffer.from(data) } };
}

function link(path: string, target: string): ImageEntry {
  return { path, mode: 0o777, source: { type: 'symlink', target } };
}

describe('EROFS image writer', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'seuss-image-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  function extract(image: string): string {
    const target = mkdtempSync(join(dir, 'out-'));
    execFileSync('fsck.erofs', [`--extract=${target}`, '--overwrite', image], { stdio: 'pipe' });
    return target;
  }

  it('passes fsck.erofs, and what comes out is what went in', { skip: !hasErofsUtils }, async () => {
    const names = Array.from({ length: 700 }, (_, i) => `/many/file-${i}-${'x'.repeat(i % 200)}`);
    const big = Buffer.alloc(5_000_001, 'seuss');
    writeFileSync(join(dir, 'big'), big);
    const image = join(dir, 'a.erofs');
    const written = await writeImage(image, [
      file('/etc/passwd', 'root:x:0:0::/root:/bin/sh\n'),
      file('/empty', ''),
      file('/bin/tool', '#!', 0o755),
      file('/page', Buffer.alloc(4096, 1)),
      file('/ünï/ß', 'text'),
      link('/sh', 'bin/tool'),
      { path: '/tmp', mode: 0o1777, source: { type: 'directory' } },
      {
        path: '/big',
        mode: 0o644,
        source: { type: 'host-file', hostPath: join(dir, 'big'), bytes: big.length },
      },
      ...names.map((name) => file(name, name)),
    ]);
    assert.equal(statSync(image).size, written.bytes);
    const out = extract(image);
    assert.deepEqual(readFileSync(join(out, 'big')), big);
    assert.equal(readFileSync(join(out, 'empty')).length, 0);
    assert.equal(readFileSync(join(out, 'ünï/ß'), 'utf8'), 'text');
    assert.equal(readlinkSync(join(out, 'sh')), 'bin/tool');
    assert.equal(statSync(join(out, 'bin/tool')).mode & 0o7777, 0o755);
    assert.equal(readdirSync(join(out, 'many')).length, names.length);
    for (const name of names) {
      assert.equal(readFileSync(join(out, name), 'utf8'), name);
    }
  });

  it('is the same bytes for the same input in any order', async () => {
    const entries = [file('/a/b', '1'), file('/a/c', '2'), link('/z', '/a')];
    const hash = async (name: string, list: ImageEntry[]): Promise<string> => {
      await writeImage(join(dir, name), list);
      return createHash('sha256')
        .update(readFileSync(join(dir, name)))
        .digest('hex');
    };
    assert.equal(await hash('one', entries), await hash('two', entries.toReversed()));
  });

  it('aligns the data of a file as asked', async () => {
    const marker = Buffer.from('the text of the interpreter');
    const path = join(dir, 'aligned');
    await writeImage(path, [file('/x', 'x'), { ...file('/huge', marker), alignBytes: 2 * 1024 * 1024 }]);
    const image = readFileSync(path);
    assert.equal(image.indexOf(marker) % (2 * 1024 * 1024), 0);
  });

  it('keeps the modification time of each file', { skip: !hasErofsUtils }, async () => {
    const path = join(dir, 'times');
    await writeImage(path, [file('/x', 'x')]);
    const text = execFileSync('dump.erofs', ['--path=/x', path], {
      encoding: 'utf8',
      env: { TZ: 'UTC', ...process.env },
    });
    assert.match(text, /2023-11-14/);
  });

  it('takes a host folder with a filter', { skip: !hasErofsUtils }, async () => {
    const entries = await Array.fromAsync(
      hostTree(new URL('../../src', import.meta.url).pathname, { at: '/s', keep: (path) => path !== 'uc' }),
    );
    await writeImage(join(dir, 'tree'), entries);
    const out = extract(join(dir, 'tree'));
    assert.ok(readdirSync(join(out, 's')).includes('image'));
    assert.ok(!readdirSync(join(out, 's')).includes('uc'));
  });

  for (const [why, entries] of [
    ['a path with ..', [file('/a/../b', '')]],
    ['a relative path', [file('a', '')]],
    ['the same path twice', [file('/a', ''), file('/a', '')]],
    ['a file as a directory', [file('/a', ''), file('/a/b', '')]],
    ['a name that is too long', [file(`/${'n'.repeat(256)}`, '')]],
    ['an empty link', [link('/l', '')]],
  ] as const) {
    it(`refuses ${why} and leaves no file`, async () => {
      const path = join(dir, 'refused');
      await assert.rejects(writeImage(path, entries), PlatformError);
      assert.ok(!readdirSync(dir).some((name) => name.startsWith('refused')));
    });
  }
});
