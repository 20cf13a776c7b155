import type { Compacted } from '../tender/replies.ts';
import { type Snapshot, snapshotBytes } from './snapshot.ts';

/** How many of the least recently used snapshots compete for being evicted. */
const CANDIDATES = 16;

/**
 * All snapshots of a node in order of use, with the bytes they hold. Those of runtimes are
 * pinned. Which other one goes is a matter of what it saves per byte,
 * among those that have not been used for longest and that no other is made of.
 */
export class SnapshotCache {
  /** Oldest use first. */
  readonly #snapshots = new Set<Snapshot>();
  /** How many of them each is the parent of: a compact child needs its parent's memory. */
  readonly #children = new Map<Snapshot, number>();
  /** Those that have had their day, and go as soon as nothing needs them. */
  readonly #retired = new Set<Snapshot>();
  readonly #onEvict: (snapshot: Snapshot) => void;
  readonly #onAdd: (snapshot: Snapshot) => void;
  #bytes = 0;
  #pinnedBytes = 0;

  constructor(onEvict: (snapshot: Snapshot) => void, onAdd: (snapshot: Snapshot) => void = () => undefined) {
    this.#onEvict = onEvict;
    this.#onAdd = onAdd;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of them, bytes of those that are never evicted. */
  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  [Symbol.iterator](): IterableIterator<Snapshot> {
    return this.#snapshots.values();
  }

  has(snapshot: Snapshot): boolean {
    return this.#snapshots.has(snapshot);
  }

  /** Others are made of it: to remove it alone would free nothing. */
  isParent(snapshot: Snapshot): boolean {
    return this.#children.has(snapshot);
  }

  add(snapshot: Snapshot): void {
    this.#snapshots.add(snapshot);
    this.#count(snapshot, snapshotBytes(snapshot));
    this.#countChild(snapshot.parent, 1);
    this.#onAdd(snapshot);
  }

  /** It takes less memory now. */
  setCompacted(snapshot: Snapshot, compacted: Compacted): void {
    const before = snapshotBytes(snapshot);
    snapshot.compacted = compacted;
    if (this.#snapshots.has(snapshot)) {
      this.#count(snapshot, snapshotBytes(snapshot) - before);
    }
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
      this.#count(snapshot, -snapshotBytes(snapshot));
      this.#retired.delete(snapshot);
      this.#countChild(snapshot.parent, -1);
    }
    return was;
  }

  /** Another one has taken its place: it goes once no deploy is under way and no snapshot is its child. */
  retire(snapshot: Snapshot): void {
    if (this.has(snapshot)) {
      this.#retired.add(snapshot);
      this.settle(snapshot);
    }
  }

  /** A deploy of it is over, or a child gone. */
  settle(snapshot: Snapshot): void {
    if (this.#retired.has(snapshot) && this.#mayGo(snapshot)) {
      this.remove(snapshot);
      this.#onEvict(snapshot);
    }
  }

  /** Evicts one snapshot; returns the bytes it held, 0 when none may go. */
  evictOne(): number {
    let victim: Snapshot | undefined;
    let candidates = 0;
    for (const snapshot of this.#snapshots) {
      if (isPinned(snapshot) || !this.#mayGo(snapshot)) {
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

  #count(snapshot: Snapshot, bytes: number): void {
    this.#bytes += bytes;
    this.#pinnedBytes += isPinned(snapshot) ? bytes : 0;
  }

  #mayGo(snapshot: Snapshot): boolean {
    return snapshot.deploying === 0 && !this.#children.has(snapshot);
  }

  #countChild(parent: Snapshot | undefined, change: 1 | -1): void {
    if (parent === undefined) {
      return;
    }
    const count = (this.#children.get(parent) ?? 0) + change;
    if (count > 0) {
      this.#children.set(parent, count);
      return;
    }
    this.#children.delete(parent);
    this.settle(parent);
  }
}

function isPinned(snapshot: Snapshot): boolean {
  return snapshot.kind === 'runtime';
}

function savedPerByte(snapshot: Snapshot): number {
  return snapshot.savedMs / snapshotBytes(snapshot);
}
