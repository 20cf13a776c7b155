import { type Snapshot, snapshotBytes } from './snapshot.ts';

/** How many of the least recently used snapshots compete for being evicted. */
const CANDIDATES = 16;

/**
 * All snapshots of a node in order of use, with the bytes they hold. Those of runtimes are
 * pinned. Which other one goes is a matter of what it saves per byte,
 * among those that have not been used for longest.
 */
export class SnapshotCache {
  /** Oldest use first. */
  readonly #snapshots = new Set<Snapshot>();
  readonly #onEvict: (snapshot: Snapshot) => void;
  readonly #onAdd: (snapshot: Snapshot) => void;
  #bytes = 0;

  constructor(onEvict: (snapshot: Snapshot) => void, onAdd: (snapshot: Snapshot) => void = () => undefined) {
    this.#onEvict = onEvict;
    this.#onAdd = onAdd;
  }

  get bytes(): number {
    return this.#bytes;
  }

  [Symbol.iterator](): IterableIterator<Snapshot> {
    return this.#snapshots.values();
  }

  add(snapshot: Snapshot): void {
    this.#snapshots.add(snapshot);
    this.#bytes += snapshotBytes(snapshot);
    this.#onAdd(snapshot);
  }

  /** Marks a use. */
  touch(snapshot: Snapshot): void {
    if (this.#snapshots.delete(snapshot)) {
      this.#snapshots.add(snapshot);
    }
  }

  /** Forgets a snapshot without a word to `onEvict`; false if it was not there. */
  remove(snapshot: Snapshot): boolean {
    const was = this.#snapshots.delete(snapshot);
    if (was) {
      this.#bytes -= snapshotBytes(snapshot);
    }
    return was;
  }

  /** Evicts one snapshot; returns the bytes it held, 0 when none may go. */
  evictOne(): number {
    let victim: Snapshot | undefined;
    let candidates = 0;
    for (const snapshot of this.#snapshots) {
      if (snapshot.kind === 'runtime' || snapshot.deploying > 0) {
        continue;
      }
      if (victim === undefined || savedPerByte(snapshot) < savedPerByte(victim)) {
        victim = snapshot;
      }
      if (++candidates === CANDIDATES) {
        break;
      }
    }
    if (victim === undefined) {
      return 0;
    }
    this.remove(victim);
    this.#onEvict(victim);
    return snapshotBytes(victim);
  }
}

function savedPerByte(snapshot: Snapshot): number {
  return snapshot.savedMs / snapshotBytes(snapshot);
}
