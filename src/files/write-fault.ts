import { dirname } from 'node:path';
import { PlatformError } from '../contract/errors.ts';

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
const FORBIDDEN: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];

/** The disk is full, or the user's part of it is. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && FULL.includes((error as NodeJS.ErrnoException).code);
}

/**
 * What a failure to write in a folder means to the operator; an error that tells of something else as it is.
 * @param path the file, or the folder itself, below the data folder
 */
export function writeFault(path: string, error: unknown): unknown {
  const dir = dirname(path);
  const elsewhere = 'or name another data folder in SEUSS_HOME.';
  if (isDiskFull(error)) {
    return new PlatformError('disk_full', `There is no room left on the disk to write ${path}.`, {
      remedy: `Free some (df ${dir}), ${elsewhere}`,
      cause: error,
    });
  }
  // Of a file that is copied there it would be its own path.
  const { code, path: at } = error as NodeJS.ErrnoException;
  if (FORBIDDEN.includes(code) && (at === undefined || at.startsWith(dir))) {
    return new PlatformError('cannot_write', `${path} cannot be written (${code}).`, {
      remedy: `See to the rights of ${dir}, ${elsewhere}`,
      cause: error,
    });
  }
  return error;
}
