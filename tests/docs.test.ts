import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { packageDir } from '../src/contract/paths.ts';

it('the table of system calls is that of the library OS', () => {
  execFileSync(process.execPath, [join(packageDir, 'scripts/compatibility.mjs'), '--check'], {
    stdio: 'pipe',
  });
});

it('the page of errors is that of the code', () => {
  execFileSync(process.execPath, [join(packageDir, 'scripts/errors.mjs'), '--check'], { stdio: 'pipe' });
});

it('links between documents lead somewhere', () => {
  const docs = readdirSync(join(packageDir, 'docs')).filter((name) => name.endsWith('.md'));
  for (const path of ['README.md', 'examples/README.md', ...docs.map((name) => join('docs', name))]) {
    const text = readFileSync(join(packageDir, path), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const file = join(packageDir, dirname(path), target as string);
      assert.ok(existsSync(file), `${path} links to ${target}`);
    }
  }
});

it('paths that documents name exist', () => {
  const docs = readdirSync(join(packageDir, 'docs')).filter((name) => name.endsWith('.md'));
  for (const path of ['README.md', ...docs.map((name) => join('docs', name))]) {
    const text = readFileSync(join(packageDir, path), 'utf8');
    for (const [, named] of text.matchAll(
      /`((?:src|tests|libos|tender|abi|drivers|scripts|examples)\/[\w./-]+)`/g,
    )) {
      assert.ok(existsSync(join(packageDir, named as string)), `${path} names ${named}`);
    }
  }
});
