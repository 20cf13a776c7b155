import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '../contract/errors.ts';

/** A node that was just killed lets go within this time. */
const WAIT_MS = 2000;
const RETRY_MS = 50;

/**
 * The right to use a store, held by one process. It is flock(2) on an open file, so the kernel
 * takes it back however the process ends. Node.js has no call for that: flock(1) takes the lock on
 * the descriptor that it shares with us.
 */
export class StoreLock {
  readonly #file: FileHandle;
  readonly #path: string;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws PlatformError `store_in_use`, `store_unsafe`, `store_failed` */
  static async take(path: string, dir: string): Promise<StoreLock> {
    const file = await openLock(path);
    try {
      if (!(await file.stat()).isFile()) throw noFile(path);
      const end = performance.now() + WAIT_MS;
      while (!(await tryLock(file))) {
        if (performance.now() > end) {
          throw inUse(dir, await file.readFile('utf8'));
        }
        await sleep(RETRY_MS);
      }
      await file.truncate(0);
      await file.write(`${process.pid}\n`, 0);
      return new StoreLock(file, path);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** False when the folder was removed or replaced: what is there now may be another's. */
  async isValid(): Promise<boolean> {
    const [ours, there] = await Promise.all([this.#file.stat(), stat(this.#path).catch(() => undefined)]);
    return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
  }

  async release(): Promise<void> {
    await this.#file.close();
  }
}

async function openLock(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return await open(path, flags, 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ELOOP' || cause.code === 'EISDIR' ? noFile(path) : cause;
  });
}

function noFile(path: string): PlatformError {
  return new PlatformError('store_unsafe', `${path} is no regular file`, {
    remedy: 'Remove it while no node uses the store.',
  });
}

async function tryLock(file: FileHandle): Promise<boolean> {
  const child = spawn('flock', ['--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
  const [code] = await once(child, 'exit').catch((cause: unknown) => {
    throw new PlatformError('store_failed', 'the lock of the store needs the program flock', {
      remedy: 'Install util-linux, or serve with --no-store.',
      cause,
    });
  });
  return code === 0;
}

function inUse(dir: string, holder: string): PlatformError {
  const pid = /^\d+\n$/.test(holder) ? `process ${holder.trim()}` : 'another process';
  return new PlatformError('store_in_use', `${pid} uses the snapshot store ${dir}`, {
    remedy: 'End it, name another folder with --store, or serve with --no-store.',
  });
}
