import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { storeFolder } from './stores.ts';

/** A folder on a file system of its own, or undefined if the host does not grant that. */
export function mounted(t: TestContext, options: string): string | undefined {
  let dir = '';
  // Hooks run in this order: it is unmounted before its folder is removed.
  t.after(() => spawnSync('umount', ['--lazy', dir]));
  dir = join(storeFolder(t), 'mount');
  mkdirSync(dir);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'seuss-test', dir]);
  if (status !== 0) {
    t.skip('only root may mount a file system');
    return undefined;
  }
  return dir;
}

/** Changes how large it is, or whether it can be written. */
export function remount(dir: string, options: string): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${options}`, dir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
