import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import { isDiskFull } from '../files/write-fault.ts';
import { eachOf, readBytes, syncDir, writeWhole } from '../store/files.ts';

/** Files that are read at a time. */
const AT_ONCE = 16;
const NAME = /^[0-9a-f]{32}\.json$/;
/** Code of 48 MB in base64, and room for the rest. */
const MAX_BYTES = 128 * 1024 * 1024;
const PART_BYTES = 256 * 1024;
/** The line of the checksum, and the end of the line before it. */
const SUM_BYTES = 66;

/**
 * Actions of a server on disk, a file each: the action as one line of JSON, then a line with the
 * SHA-256 of the first. The folder belongs to a store that the server's node holds open.
 */
export class ActionFiles {
  readonly #dir: string;
  readonly #tmp: string;
  #written = 0;

  /** @param storeDir folder of the open store */
  constructor(storeDir: string) {
    this.#dir = join(storeDir, 'actions');
    this.#tmp = join(storeDir, 'tmp');
  }

  /**
   * Hands each action to `take`, which throws if it is none. A file that is damaged goes to `onBad`
   * and is left where it is, for somebody to look at, until an action of its name is written.
   */
  async readAll(
    take: (json: Buffer) => Promise<void>,
    onBad: (path: string, reason: string) => void,
  ): Promise<void> {
    const names = (await readdir(this.#dir)).filter((name) => NAME.test(name));
    await eachOf(names, AT_ONCE, async (name) => {
      const path = join(this.#dir, name);
      try {
        await take(checked(await readBytes(path, MAX_BYTES)));
      } catch (error) {
        onBad(path, error instanceof Error ? error.message : String(error));
      }
    });
  }

  /**
   * Resolves when the action would outlast a power cut.
   * @param key `namespace/name`
   * @param json on one line, in pieces
   * @throws PlatformError `store_failed`, `disk_full`
   */
  async write(key: string, json: readonly (string | Uint8Array)[]): Promise<void> {
    const temporary = join(this.#tmp, `action-${++this.#written}`);
    try {
      await writeWhole(temporary, this.#path(key), withChecksum(json));
      await syncDir(this.#dir);
    } catch (cause) {
      throw failed(this.#dir, key, cause);
    }
  }

  /** @throws PlatformError `store_failed`, `disk_full` */
  async remove(key: string): Promise<void> {
    try {
      await rm(this.#path(key), { force: true });
      await syncDir(this.#dir);
    } catch (cause) {
      throw failed(this.#dir, key, cause);
    }
  }

  /** Names are longer than those of files may be, and hold what those may not. */
  #path(key: string): string {
    return join(this.#dir, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  }
}

/** In parts that are small enough to be hashed between other work. */
function* withChecksum(pieces: readonly (string | Uint8Array)[]): Generator<Uint8Array> {
  const hash = createHash('sha256');
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    for (let at = 0; at < bytes.length; at += PART_BYTES) {
      const part = bytes.subarray(at, at + PART_BYTES);
      hash.update(part);
      yield part;
    }
  }
  yield Buffer.from(`\n${hash.digest('hex')}\n`);
}

function checked(bytes: Buffer): Buffer {
  const json = bytes.subarray(0, Math.max(0, bytes.length - SUM_BYTES));
  const sum = createHash('sha256').update(json).digest('hex');
  if (bytes.subarray(json.length).toString('latin1') !== `\n${sum}\n`) {
    throw new Error('it is damaged');
  }
  return json;
}

function failed(dir: string, key: string, cause: unknown): PlatformError {
  if (isDiskFull(cause)) {
    return new PlatformError(
      'disk_full',
      `There is no room left on the disk to store ${key}, which is as it was.`,
      {
        remedy: `Free some (df ${dir}), or name another folder with --store.`,
        cause,
      },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError('store_failed', `the change of ${key} could not be stored: ${reason}.`, {
    remedy: 'The action is as it was.',
    cause,
  });
}
