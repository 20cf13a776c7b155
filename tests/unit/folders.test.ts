/** Folders of Seuss that somebody else has had a hand in. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { resolveKind } from '../../src/runtime/kinds.ts';
import { rootImage } from '../../src/runtime/root-image.ts';
import { openRegular } from '../../src/store/files.ts';
import { StoreDir } from '../../src/store/store-dir.ts';

const OTHER_USER = 54_321;
const root = process.geteuid?.() === 0;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'seuss-folders-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Something of value that a link leads to. */
function precious(dir: string): string {
  const path = join(dir, 'precious');
  mkdirSync(path);
  writeFileSync(join(path, 'file'), 'x');
  return path;
}

describe('a store', () => {
  it('is refused if one of its folders is a link, and touches nothing behind it', async (t) => {
    for (const name of ['snapshots', 'actions', 'tmp']) {
      const dir = folder(t);
      const path = join(dir, 'store');
      mkdirSync(path, { mode: 0o700 });
      const target = precious(dir);
      symlinkSync(target, join(path, name));
      await assert.rejects(
        StoreDir.open(path),
        (error: { code: string; message: string; remedy: string }) => {
          assert.equal(error.code, 'store_unsafe');
          assert.ok(error.message.includes(join(path, name)) && error.remedy !== '', error.message);
          return true;
        },
      );
      assert.deepEqual(readdirSync(target), ['file']);
    }
    const dir = folder(t);
    symlinkSync(precious(dir), join(dir, 'store'));
    await assert.rejects(StoreDir.open(join(dir, 'store')), { code: 'store_unsafe' });
  });

  it('is refused if a folder or its lock is something else', async (t) => {
    for (const name of ['snapshots', 'lock']) {
      const path = join(folder(t), 'store');
      mkdirSync(path, { mode: 0o700 });
      if (name === 'lock') symlinkSync('/dev/null', join(path, name));
      else writeFileSync(join(path, name), '');
      await assert.rejects(StoreDir.open(path), { code: 'store_unsafe' });
      rmSync(join(path, name));
      await (await StoreDir.open(path)).close();
    }
  });

  it("is refused if a folder is another user's, or others can write to it", async (t) => {
    for (const name of ['', 'snapshots', 'actions', 'tmp']) {
      const path = join(folder(t), 'store');
      await (await StoreDir.open(path)).close();
      chmodSync(join(path, name), 0o770);
      await assert.rejects(StoreDir.open(path), { code: 'store_unsafe' }, name);
      chmodSync(join(path, name), 0o700);
      if (!root) continue;
      chownSync(join(path, name), OTHER_USER, OTHER_USER);
      await assert.rejects(StoreDir.open(path), { code: 'store_unsafe' }, name);
    }
  });

  it('takes a key or a file for its own only if it is', async (t) => {
    const path = join(folder(t), 'store');
    const key = join(path, 'key');
    const opened = async () => {
      const store = await StoreDir.open(path);
      await store.close();
      return store.key.toString('hex');
    };
    const first = await opened();
    assert.equal(await opened(), first);
    chmodSync(key, 0o620);
    const second = await opened();
    assert.notEqual(second, first);
    rmSync(key);
    symlinkSync(precious(path), key);
    assert.notEqual(await opened(), second);
    assert.ok(lstatSync(key).isFile());
    const file = join(path, 'actions', 'a.json');
    writeFileSync(file, '{}', { mode: 0o600 });
    await (await openRegular(file)).file.close();
    chmodSync(file, 0o606);
    await assert.rejects(openRegular(file), { code: 'EINVAL' });
    if (!root) return;
    chmodSync(file, 0o600);
    chownSync(file, OTHER_USER, OTHER_USER);
    await assert.rejects(openRegular(file), { code: 'EINVAL' });
  });
});

describe('the folder of root images', () => {
  const kind = resolveKind('python:default');

  /** With a data folder of its own. */
  async function withHome<T>(t: TestContext, work: (home: string) => Promise<T>): Promise<T> {
    const before = process.env.SEUSS_HOME;
    const home = join(folder(t), 'home');
    process.env.SEUSS_HOME = home;
    try {
      return await work(home);
    } finally {
      if (before === undefined) delete process.env.SEUSS_HOME;
      else process.env.SEUSS_HOME = before;
    }
  }

  it('is refused if it is a link or others can write to it', async (t) => {
    await withHome(t, async (home) => {
      mkdirSync(home);
      symlinkSync(precious(home), join(home, 'images'));
      await assert.rejects(rootImage(kind), { code: 'images_unsafe' });
      rmSync(join(home, 'images'));
      mkdirSync(join(home, 'images'));
      chmodSync(join(home, 'images'), 0o777);
      await assert.rejects(rootImage(kind), { code: 'images_unsafe' });
    });
  });

  it('loses what a killed process left half written, and images that are no files of ours', async (t) => {
    await withHome(t, async (home) => {
      const { path } = await rootImage(kind);
      const [old, young] = [`${path}.a.tmp`, `${path}.b.tmp`];
      for (const each of [old, young]) writeFileSync(each, '');
      const longAgo = Date.now() / 1000 - 7200;
      utimesSync(old, longAgo, longAgo);
      await rootImage(kind);
      assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
      rmSync(path);
      symlinkSync(precious(home), path);
      await rootImage(kind);
      assert.ok(lstatSync(path).isFile());
    });
  });
});
