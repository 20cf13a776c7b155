import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ownFolder } from '../files/own-folder.ts';
import { errorCode, openRegular, syncDir, writeWhole } from './files.ts';
import { StoreLock } from './store-lock.ts';

/** Of the key that marks what this store wrote: as many as its hash has. */
const KEY_BYTES = 32;
const FOLDER_MODE = 0o700;

/** The folder of a store, ours alone while it is open. */
export class StoreDir {
  readonly path: string;
  /** Snapshots: a manifest and page files each. */
  readonly snapshots: string;
  /** Actions of `seuss serve`. */
  readonly actions: string;
  /** What is being written; emptied when the store is opened. */
  readonly tmp: string;
  /** Authenticates manifests: whoever cannot read it cannot make one. */
  readonly key: Buffer;
  readonly #lock: StoreLock;

  private constructor(path: string, key: Buffer, lock: StoreLock) {
    this.path = path;
    this.snapshots = join(path, 'snapshots');
    this.actions = join(path, 'actions');
    this.tmp = join(path, 'tmp');
    this.key = key;
    this.#lock = lock;
  }

  /** @throws PlatformError `store_in_use`, `store_unsafe`, `store_failed`; an error of the file system */
  static async open(path: string): Promise<StoreDir> {
    await makeParents(path);
    await ownFolder(path, FOLDER_MODE, 'store_unsafe');
    const lock = await StoreLock.take(join(path, 'lock'), path);
    try {
      const tmp = join(path, 'tmp');
      for (const name of ['snapshots', 'actions', 'code', 'tmp']) {
        await ownFolder(join(path, name), FOLDER_MODE, 'store_unsafe');
      }
      for (const name of await readdir(tmp)) {
        await rm(join(tmp, name), { recursive: true, force: true });
      }
      return new StoreDir(path, await openKey(path, tmp), lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** A name in `tmp` that nobody has. */
  temporary(): string {
    return join(this.tmp, randomBytes(8).toString('hex'));
  }

  /** False when the folder was removed or replaced meanwhile. */
  async isOurs(): Promise<boolean> {
    return await this.#lock.isValid();
  }

  async close(): Promise<void> {
    await this.#lock.release();
  }
}

/** Node.js makes parents until there is no ENOENT, so only those that are missing are left to it. */
async function makeParents(path: string): Promise<void> {
  const parent = dirname(path);
  const there = await stat(parent).catch(() => undefined);
  if (there === undefined) {
    await mkdir(parent, { recursive: true });
  }
}

/**
 * A key that others could read, or that is no key, is replaced: what was authenticated with it
 * counts no more.
 */
async function openKey(path: string, tmp: string): Promise<Buffer> {
  const keyPath = join(path, 'key');
  const known = await readKey(keyPath);
  if (known !== undefined) {
    return known;
  }
  const key = randomBytes(KEY_BYTES);
  await writeWhole(join(tmp, 'key'), keyPath, key);
  await syncDir(path);
  return key;
}

async function readKey(path: string): Promise<Buffer | undefined> {
  try {
    const { file } = await openRegular(path);
    try {
      const { mode, uid, size } = await file.stat();
      const safe = (mode & 0o077) === 0 && uid === process.geteuid?.() && size === KEY_BYTES;
      return safe ? await file.readFile() : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EINVAL' || errorCode(error) === 'ELOOP') {
      return undefined;
    }
    throw error;
  }
}
