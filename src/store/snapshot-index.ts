import type { Manifest } from './manifest.ts';

/** What is in a store, in order of use. */
export class SnapshotIndex {
  /** Longest unused first. */
  readonly #manifests = new Map<string, Manifest>();
  readonly #diskBytes = new Map<string, number>();
  readonly #children = new Map<string, Set<string>>();
  readonly #functions = new Map<string, Set<string>>();
  #bytes = 0;

  get count(): number {
    return this.#manifests.size;
  }

  /** What page files take on the disk; manifests are small beside them. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): Manifest | undefined {
    return this.#manifests.get(id);
  }

  values(): IterableIterator<Manifest> {
    return this.#manifests.values();
  }

  add(manifest: Manifest, diskBytes: number): void {
    const { id, parent, digest } = manifest;
    this.remove(id);
    this.#manifests.set(id, manifest);
    this.#diskBytes.set(id, diskBytes);
    this.#bytes += diskBytes;
    if (parent !== null) {
      into(this.#children, parent.id, id);
    }
    if (digest !== null) {
      into(this.#functions, digest, id);
    }
  }

  remove(id: string): Manifest | undefined {
    const manifest = this.#manifests.get(id);
    if (manifest === undefined) {
      return undefined;
    }
    this.#manifests.delete(id);
    this.#bytes -= this.#diskBytes.get(id) ?? 0;
    this.#diskBytes.delete(id);
    if (manifest.parent !== null) {
      outOf(this.#children, manifest.parent.id, id);
    }
    if (manifest.digest !== null) {
      outOf(this.#functions, manifest.digest, id);
    }
    return manifest;
  }

  /** Marks a use. */
  touch(id: string): void {
    const manifest = this.#manifests.get(id);
    if (manifest !== undefined && this.#manifests.delete(id)) {
      this.#manifests.set(id, manifest);
    }
  }

  /** The longest unused one that nothing builds on; none of `except`. */
  oldestLeaf(except: ReadonlySet<string>): string | undefined {
    for (const id of this.#manifests.keys()) {
      if (!this.#children.has(id) && !except.has(id)) {
        return id;
      }
    }
    return undefined;
  }

  /** A snapshot and all that build on it, deepest first. */
  tree(id: string): string[] {
    const found = [id];
    for (const next of found) {
      found.push(...(this.#children.get(next) ?? []));
    }
    return found.reverse();
  }

  /** Snapshots of the function with that digest. */
  ofFunction(digest: string): string[] {
    return [...(this.#functions.get(digest) ?? [])];
  }

  childrenOf(id: string): Manifest[] {
    return [...(this.#children.get(id) ?? [])].flatMap((child) => this.#manifests.get(child) ?? []);
  }
}

function into(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set === undefined) {
    sets.set(key, new Set([value]));
  } else {
    set.add(value);
  }
}

function outOf(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) {
    sets.delete(key);
  }
}
