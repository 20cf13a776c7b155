/** Disks that are full, or cannot be written: what is said, and that nothing half-written stays. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Packager } from '../../src/action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../src/api/auth.ts';
import { createApi } from '../../src/api/server.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { zipOf } from '../support/archives.ts';
import { FakeNode } from '../support/fake-node.ts';
import { mounted, remount } from '../support/mounts.ts';
import { seuss } from '../support/seuss.ts';
import { storeFolder } from '../support/stores.ts';

/** Larger than the disk, and nothing that could be made smaller. */
const BYTES = 256 * 1024;

function filesOf(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

async function putter(codeDir: string): Promise<() => Promise<{ status: number; error: string }>> {
  const packager = new Packager({ codeDir, resolveKind: (kind) => resolveKind(kind).name });
  const { app } = createApi({ node: new FakeNode(), packager, kinds: kindNames() });
  const files = { 'index.js': 'exports.main = () => ({})', data: randomBytes(BYTES).toString('latin1') };
  const code = await zipOf(files);
  return async () => {
    const response = await app.inject({
      method: 'PUT',
      url: '/api/v1/namespaces/_/actions/large?overwrite=true',
      headers: { authorization: `Basic ${Buffer.from(DEFAULT_GUEST_KEY).toString('base64')}` },
      payload: { exec: { kind: 'nodejs:24', code, binary: true } },
    });
    return { status: response.statusCode, error: response.json().error };
  };
}

describe('an action whose code finds no room on the disk', () => {
  it('is refused with 507, the folder and what to do, and taken once it has room', async (t: TestContext) => {
    const dir = mounted(t, 'mode=755,size=128k');
    if (dir === undefined) return;
    const codeDir = join(dir, 'code');
    const put = await putter(codeDir);
    const { status, error } = await put();
    assert.equal(status, 507);
    assert.match(
      error,
      new RegExp(`no room left on the disk to write ${codeDir}/.*Free some \\(df ${codeDir}\\)`),
    );
    assert.deepEqual(filesOf(codeDir), []);
    remount(dir, 'size=4m');
    assert.equal((await put()).status, 200);
    assert.equal(filesOf(codeDir).length, 1);
  });

  it('is refused with its reason where nothing can be written', async (t: TestContext) => {
    const dir = mounted(t, 'mode=755,size=4m');
    if (dir === undefined) return;
    remount(dir, 'ro');
    const put = await putter(join(dir, 'code'));
    const { status, error } = await put();
    assert.equal(status, 500);
    assert.match(error, /code cannot be written \(EROFS\)\. See to the rights of /);
    remount(dir, 'rw');
    assert.equal((await put()).status, 200);
  });
});

describe('a runtime whose image finds no room on the disk', () => {
  it('is not booted: one line says why, the next what to do', { timeout: 120_000 }, async (t) => {
    const home = mounted(t, 'mode=755,size=1m');
    if (home === undefined) return;
    const path = join(storeFolder(t), 'echo.py');
    writeFileSync(path, 'def main(args):\n    return args');
    const invoke = () => seuss(['invoke', path, '-p', 'a', '1'], { env: { SEUSS_HOME: home } });
    const { status, stderr } = await invoke();
    assert.equal(status, 3);
    const lines = stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Building'));
    assert.equal(lines.length, 2, stderr);
    assert.match(
      lines[0] ?? '',
      new RegExp(`^seuss: There is no room left on the disk to write ${home}/images/`),
    );
    assert.match(lines[1] ?? '', /^ +Free some \(df .*\), or name another data folder in SEUSS_HOME\.$/);
    assert.deepEqual(filesOf(join(home, 'images')), []);
    remount(home, 'size=1g');
    const again = await invoke();
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(JSON.parse(again.stdout), { a: 1 });
  });
});
