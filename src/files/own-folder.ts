import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ErrorCode } from '../contract/error-codes.ts';
import { PlatformError } from '../contract/errors.ts';
import { writeFault } from './write-fault.ts';

/** Permission bits of others, and of the group, to write. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes a folder unless it is there, and sees to it that it is a folder and no link, and that
 * nobody else can put anything into it: what lies there is run, or emptied without a look. Its
 * parent has to be there.
 * @param code of the PlatformError
 * @throws PlatformError; an error of the file system
 */
export async function ownFolder(path: string, mode: number, code: ErrorCode): Promise<void> {
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const status = await lstat(path);
  const user = process.geteuid?.();
  const unsafe = (what: string, remedy: string) => new PlatformError(code, `${path} ${what}`, { remedy });
  if (status.isSymbolicLink()) {
    throw unsafe('is a link', 'Put the folder itself there, or mount one there (mount --bind).');
  }
  if (!status.isDirectory()) throw unsafe('is no folder', 'Move it away.');
  if (status.uid !== user || (status.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unsafe(
      'is not a folder that this user alone can write to',
      `Run: chown ${user} ${path} && chmod ${mode.toString(8)} ${path}`,
    );
  }
}

/**
 * The same for a folder in the data folder, which is made, too.
 * @throws PlatformError, also `disk_full` and `cannot_write`; an error of the file system
 */
export async function dataFolder(path: string, mode: number, code: ErrorCode): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await ownFolder(path, mode, code);
  } catch (error) {
    throw writeFault(path, error);
  }
}
