import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../node/types.ts';
import { eachOf, readText, syncDir, writeWhole } from './files.ts';

/** Files that are read at a time. */
const AT_ONCE = 16;
const NAME = /^[0-9a-f]{32}\.json$/;
/** Code of 48 MB in base64, and room for the rest. */
const MAX_BYTES = 128 * 1024 * 1024;

/**
 * Actions of a server on disk, a file each: the action as one line of JSON, then a line with the SHA-256 of the first. The
 * folder belongs to a store that the server's node holds open.
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
   * Hands each action to `take`, which throws if it is none. A file that is damaged goes to `onBad` and is left
   * where it is, for somebody to look at, until an action of its name is written.
   */
  async readAll(
    take: (json: string) => Promise<void>,
    onBad: (path: string, reason: string) => void,
  ): Promise<void> {
    const names = (await readdir(this.#dir)).filter((name) => NAME.test(name));
    await eachOf(names, AT_ONCE, async (name) => {
      const path = join(this.#dir, name);
      try {
        await take(checked(await readText(path, MAX_BYTES)));
      } catch (error) {
        onBad(path, error instanceof Error ? error.message : String(error));
      }
    });
  }

  /**
   * Resolves when the action would outlast a power cut.
   * @param key `namespace/name`
   * @param json on one line
   * @throws PlatformError `store_failed`
   */
  async write(key: string, json: string): Promise<void> {
    const temporary = join(this.#tmp, `action-${++this.#written}`);
    try {
      await writeWhole(temporary, this.#path(key), `${json}\n${checksum(json)}\n`);
      await syncDir(this.#dir);
    } catch (cause) {
      throw failed(key, cause);
    }
  }

  /** @throws PlatformError `store_failed` */
  async remove(key: string): Promise<void> {
    try {
      await rm(this.#path(key), { force: true });
      await syncDir(this.#dir);
    } catch (cause) {
      throw failed(key, cause);
    }
  }

  /** Names are longer than those of files may be, and hold what those may not. */
  #path(key: string): string {
    return join(this.#dir, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  }
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('hex');
}

function checked(text: string): string {
  const [json = '', sum, rest] = text.split('\n');
  if (sum !== checksum(json) || rest !== '') {
    throw new Error('it is damaged');
  }
  return json;
}

function failed(key: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError('store_failed', `the change of ${key} could not be stored: ${reason}.`, {
    remedy: 'The action is as it was.',
    cause,
  });
}
