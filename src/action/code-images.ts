import { existsSync, renameSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActionCode } from '../contract/action.ts';
import { IMAGE_SUFFIX } from './code-store.ts';
import type { Packed } from './pack-code.ts';

/** Of an image that is being written, or removed. */
const TEMPORARY_SUFFIX = '.tmp';

/**
 * How long the images of a folder stay, which are this object's alone: as long as somebody uses
 * them, which are actions, and invocations of an action that was replaced meanwhile. Snapshots hold
 * their images themselves.
 */
export class CodeImages {
  readonly #dir: string;
  /** By path. */
  readonly #uses = new Map<string, number>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** False when another user of the same image, the last one then, gave it up since it was packed. */
  has(code: ActionCode): boolean {
    return code.type !== 'image' || existsSync(code.imagePath);
  }

  /** @returns gives it back; to be called once */
  use(code: ActionCode): () => void {
    if (code.type !== 'image') return () => undefined;
    const { imagePath } = code;
    this.#uses.set(imagePath, (this.#uses.get(imagePath) ?? 0) + 1);
    return () => this.#giveBack(imagePath);
  }

  /** What was packed goes unless somebody uses it. */
  tidy({ form }: Packed): void {
    if (form.type === 'image' && !this.#uses.has(form.imagePath)) this.#remove(form.imagePath);
  }

  /** Removes all that nobody uses, and what was half written: to be called before anything is packed. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const path = join(this.#dir, name);
      const stale = name.endsWith(TEMPORARY_SUFFIX) || (name.endsWith(IMAGE_SUFFIX) && !this.#uses.has(path));
      if (stale) await rm(path, { force: true });
    }
  }

  #giveBack(imagePath: string): void {
    const uses = (this.#uses.get(imagePath) ?? 0) - 1;
    if (uses > 0) this.#uses.set(imagePath, uses);
    else {
      this.#uses.delete(imagePath);
      this.#remove(imagePath);
    }
  }

  /** At once it is no longer there for others to find; to free a large file takes a while. */
  #remove(imagePath: string): void {
    const hidden = `${imagePath}${TEMPORARY_SUFFIX}`;
    try {
      renameSync(imagePath, hidden);
    } catch {
      return;
    }
    rm(hidden, { force: true }).catch(() => undefined);
  }
}
