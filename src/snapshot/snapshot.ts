import { hash } from 'node:crypto';
import type { SnapshotInfo } from '../contract/snapshot.ts';
import type { JsonText } from '../json/json-text.ts';
import type { Captured, Compacted } from '../tender/replies.ts';

export const PAGE_BYTES = 4096;

/** One immutable snapshot, as the node knows it. Its pages are the tenders' business. */
export interface Snapshot {
  /** Names it on the control protocol; never used twice by a node. */
  readonly number: number;
  /** Names what it is: equal ids stand for equal contents of equal origin. */
  readonly id: string;
  readonly kind: SnapshotInfo['kind'];
  readonly parent: Snapshot | undefined;
  /** Runtime kind or action name. */
  readonly of: string;
  /** Digest of the action; absent: its parent's, and none for a runtime. */
  readonly digest?: string;
  /** What the interpreter of a runtime says of itself. */
  readonly interpreter?: string;
  /** Of an argument snapshot: the arguments that it fixes. */
  readonly fixed?: JsonText;
  readonly captured: Captured;
  /** Set when it is kept as words: src/node/background/compactor.ts. */
  compacted?: Compacted;
  /** Files of this host behind its image windows, in their order; absent: its parent's. */
  readonly imagePaths?: readonly string[];
  readonly createdMs: number;
  /** What starting from here saves over starting from the parent. */
  readonly savedMs: number;
  deploys: number;
  /** Holds on it (SnapshotHold): it must not be dropped meanwhile. */
  deploying: number;
  /** Hash of its bytes and its ancestors' in the store, once it is there. */
  stored?: string;
  /** A recapture: of a UC whose code was compiled. */
  readonly isRecapture?: boolean;
  /** No tender has it any more: those that had it died. */
  lost?: boolean;
  /** Tells its user that the cache gave it up. */
  readonly evicted?: () => void;
}

/** What a new one does not have to say: nothing has been deployed from it, and it is made now. */
type Defaults = 'createdMs' | 'deploys' | 'deploying';

export function snapshotOf(fields: Omit<Snapshot, Defaults> & { readonly createdMs?: number }): Snapshot {
  return { createdMs: Date.now(), deploys: 0, deploying: 0, ...fields };
}

/** As long as it is held, a snapshot is not dropped. `using` gives it back. */
export class SnapshotHold {
  readonly snapshot: Snapshot;
  #isHeld = true;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
    snapshot.deploying += 1;
  }

  /** Once; the second time nothing happens. */
  [Symbol.dispose](): void {
    if (this.#isHeld) {
      this.#isHeld = false;
      this.snapshot.deploying -= 1;
    }
  }
}

/**
 * Real bytes that go when it is dropped. Of one that is kept as pages: these, and about a page of
 * plan per 100 maps.
 */
export function snapshotBytes(snapshot: Snapshot): number {
  if (snapshot.compacted !== undefined) {
    return snapshot.compacted.bytes;
  }
  const { ownPages, maps } = snapshot.captured;
  return (ownPages + Math.ceil(maps / 100)) * PAGE_BYTES;
}

/** Identity of a snapshot: a hash over everything that its contents depend on. */
export function snapshotId(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 16);
}

/** @param stored it is on disk now */
export function snapshotInfo(snapshot: Snapshot, stored: boolean): SnapshotInfo {
  return {
    id: snapshot.id,
    kind: snapshot.kind,
    parent: snapshot.parent?.id ?? null,
    of: snapshot.of,
    ownBytes: snapshotBytes(snapshot),
    ownPages: snapshot.compacted?.pages ?? snapshot.captured.ownPages,
    compact: snapshot.compacted !== undefined,
    sharedPages: snapshot.captured.sharedPages,
    maps: snapshot.captured.maps,
    stored,
    deploys: snapshot.deploys,
    createdMs: snapshot.createdMs,
    ...(snapshot.fixed !== undefined && { fixed: snapshot.fixed }),
    ...(snapshot.isRecapture === true && { warmed: true }),
  };
}

/** Digest of the action that it is of, if any. */
export function functionDigest(snapshot: Snapshot): string | undefined {
  return [snapshot, ...lineage(snapshot)].find(({ digest }) => digest !== undefined)?.digest;
}

/** Files of this host behind its image windows. */
export function imagePaths(snapshot: Snapshot): readonly string[] {
  return [snapshot, ...lineage(snapshot)].find((each) => each.imagePaths !== undefined)?.imagePaths ?? [];
}

/** The snapshot's ancestors, nearest first. */
export function* lineage(snapshot: Snapshot): Generator<Snapshot> {
  for (let next = snapshot.parent; next !== undefined; next = next.parent) {
    yield next;
  }
}
