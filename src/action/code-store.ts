import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dataFolder } from '../files/own-folder.ts';
import type { ImageEntry } from '../image/entries.ts';
import { type WriteOptions, writeImage } from '../image/write-image.ts';
import type { CodeEntry } from './code-tree.ts';

/** Layout version of a code image: a change of how entries become an image changes its name. */
const STORE_VERSION = 'seuss-code-1';

export const IMAGE_SUFFIX = '.erofs';

/** Digest of the content of a code image, which its name holds. */
export function imageDigest(imagePath: string): string {
  return basename(imagePath, IMAGE_SUFFIX);
}

/** Code images on disk, named after what is in them: equal code is stored and cached once. */
export class CodeStore {
  readonly #dir: string;
  readonly #options: WriteOptions;

  /** @param options how images are written; with a path for one, it writes one */
  constructor(dir: string, options: WriteOptions = {}) {
    this.#dir = dir;
    this.#options = options;
  }

  /** Path of the image with that digest, if it is there. */
  async find(digest: string): Promise<string | undefined> {
    const imagePath = this.#path(digest);
    return await access(imagePath).then(
      () => imagePath,
      () => undefined,
    );
  }

  /** Path of the image of these entries, written unless it is there. `digest` names its content. */
  async put(entries: readonly CodeEntry[]): Promise<{ imagePath: string; digest: string }> {
    const digest = digestOf(entries);
    const imagePath = this.#path(digest);
    if ((await this.find(digest)) === undefined) {
      await dataFolder(this.#dir, 0o700, 'code_unsafe');
      await writeImage(imagePath, entries.map(toImageEntry), this.#options);
    }
    return { imagePath, digest };
  }

  #path(digest: string): string {
    return join(this.#dir, `${digest}${IMAGE_SUFFIX}`);
  }
}

function toImageEntry(entry: CodeEntry): ImageEntry {
  const path = `/${entry.path}`;
  switch (entry.type) {
    case 'directory':
      return { path, mode: 0o755, source: { type: 'directory' } };
    case 'symlink':
      return { path, mode: 0o777, source: { type: 'symlink', target: entry.target } };
    case 'file':
      return { path, mode: entry.executable ? 0o755 : 0o644, source: { type: 'bytes', data: entry.content } };
  }
}

function digestOf(entries: readonly CodeEntry[]): string {
  const hash = createHash('sha256').update(STORE_VERSION);
  for (const entry of entries) {
    switch (entry.type) {
      case 'directory':
        hash.update(`\0d${entry.path}`);
        break;
      case 'symlink':
        hash.update(`\0l${entry.path}\0${entry.target}`);
        break;
      case 'file':
        hash.update(`\0${entry.executable ? 'x' : 'f'}${entry.path}\0${entry.content.length}\0`);
        hash.update(entry.content);
        break;
    }
  }
  return hash.digest('hex');
}
