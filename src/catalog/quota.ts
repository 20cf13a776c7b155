import { CatalogError } from './catalog-error.ts';

/** Each takes memory besides its code, parameters and annotations. */
const MAX_ENTITIES = 100_000;
/** Code, parameters and annotations of all together. */
const MAX_BYTES = 1024 * 1024 * 1024;
const MB = 1024 * 1024;

/** Counts the entities of a catalogue and their bytes: code, parameters and annotations. */
export class Quota {
  #entities = 0;
  #bytes = 0;

  /**
   * Counts an entity of `after` bytes in place of one of `before`. Undefined is none. One that
   * becomes smaller, or goes, is never refused, even if what was undone has left too many bytes.
   * @returns undoes it
   * @throws CatalogError `catalog_full`
   */
  exchange(before: number | undefined, after: number | undefined): () => void {
    const entities = Number(after !== undefined) - Number(before !== undefined);
    const bytes = (after ?? 0) - (before ?? 0);
    if (this.#entities + entities > MAX_ENTITIES || (bytes > 0 && this.#bytes + bytes > MAX_BYTES)) {
      throw new CatalogError(
        'catalog_full',
        `This node holds ${MAX_ENTITIES} actions and ${MAX_BYTES / MB} MB of code and parameters.`,
      );
    }
    this.#add(entities, bytes);
    return () => this.#add(-entities, -bytes);
  }

  #add(entities: number, bytes: number): void {
    this.#entities += entities;
    this.#bytes += bytes;
  }
}
