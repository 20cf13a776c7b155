/** Each fuzzer for a moment, always with the same inputs. `npm run fuzz` goes on for as long as one likes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { packageDir } from '../../src/contract/paths.ts';

const SCRIPT = join(packageDir, 'scripts/fuzz.mjs');

function fuzz(...args: string[]) {
  return spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
}

it('what takes bytes of those who are not trusted stays within bounds', (t) => {
  const out = mkdtempSync(join(tmpdir(), 'seuss-fuzz-'));
  t.after(() => rmSync(out, { recursive: true }));
  const { status, stdout, stderr } = fuzz('--seconds', '1', '--seed', '1', '--out', out);
  assert.equal(status, 0, stdout + stderr);
  assert.deepEqual(readdirSync(out), []);
});

it('a fuzzer tells how it is used, and what is wrong', () => {
  assert.match(fuzz('--help').stdout, /--seconds N.*erofs.*requests/s);
  assert.deepEqual([fuzz('nonsense').status, fuzz('--seconds', 'x').status], [2, 2]);
});
