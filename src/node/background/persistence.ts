import { PlatformError } from '../../contract/errors.ts';
import type { StoreStats } from '../../contract/node.ts';
import type { StoreOptions } from '../../contract/options.ts';
import type { Core, Cores } from '../../cores/cores.ts';
import { lineage, type Snapshot } from '../../snapshot/snapshot.ts';
import type { Manifest } from '../../store/manifest.ts';
import { type RestoreRequest, SnapshotStore } from '../../store/snapshot-store.ts';
import { StoreWriter } from '../../store/store-writer.ts';

/** How long a node that closes waits for snapshots to be written. */
const FLUSH_MS = 5000;

interface OpenStore {
  readonly store: SnapshotStore;
  readonly writer: StoreWriter;
}

/** The node's snapshots beyond its end. Without a store everything here does nothing. */
export class Persistence {
  readonly #cores: Cores;
  readonly #open: OpenStore | undefined;

  /**
   * A folder that cannot be written is reported, and the node goes on without.
   * @throws PlatformError `store_in_use`, `store_unsafe`
   */
  static async open(options: StoreOptions | undefined, cores: Cores): Promise<Persistence> {
    if (options === undefined) {
      return new Persistence(cores, undefined);
    }
    const report = options.onReport ?? (() => undefined);
    try {
      const store = await SnapshotStore.open(options, cores.first.tender.hello);
      const writer = new StoreWriter(store, cores, report);
      return new Persistence(cores, { store, writer });
    } catch (error) {
      if (error instanceof PlatformError) {
        throw error;
      }
      const reason = error instanceof Error ? error.message : String(error);
      report('warn', `${options.dir} cannot be used, snapshots are kept in memory alone: ${reason}`);
      return new Persistence(cores, undefined);
    }
  }

  private constructor(cores: Cores, open: OpenStore | undefined) {
    this.#cores = cores;
    this.#open = open;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  has(id: string): boolean {
    return this.#open?.store.has(id) === true;
  }

  /** It was written, and has not been removed since: for its age, say. */
  isStored(snapshot: Snapshot): boolean {
    return snapshot.stored !== undefined && this.has(snapshot.id);
  }

  /** Stored snapshots that build directly on this one. */
  childrenOf(id: string): readonly Manifest[] {
    return this.#open?.store.childrenOf(id) ?? [];
  }

  /**
   * Has this core load a snapshot, whose parent it knows. Undefined if it is not stored, or what is
   * stored cannot be used.
   * @throws PlatformError `tender_died`
   */
  async restore(
    request: RestoreRequest,
    core: Core,
  ): Promise<{ readonly snapshot: Snapshot; readonly manifest: Manifest } | undefined> {
    return await this.#open?.store.restore(request, this.#cores, core);
  }

  /** No tender has it any more; what is stored of it stays. */
  forgetUnwritten(snapshot: Snapshot): void {
    this.#open?.writer.forget(snapshot);
  }

  /**
   * Has it written some time soon, unless it is stored. A captured run is not: its activation ends
   * with the node.
   */
  save(snapshot: Snapshot): void {
    if (
      snapshot.stored === undefined &&
      snapshot.lost !== true &&
      snapshot.kind !== 'capture' &&
      isLasting(snapshot)
    ) {
      this.#open?.writer.add(snapshot);
    }
  }

  /** Resolves when a snapshot may leave the memory. */
  async spill(snapshot: Snapshot): Promise<void> {
    if (isLasting(snapshot)) {
      await this.#open?.writer.spill(snapshot);
    }
  }

  /** Removes one snapshot that is stored, or about to be. */
  async drop(snapshot: Snapshot): Promise<void> {
    this.#open?.writer.drop(snapshot);
    await this.#open?.store.remove(snapshot.id);
  }

  /** Removes what is stored of a function. */
  async forget(digest: string): Promise<void> {
    this.#open?.writer.cancel(digest);
    await this.#open?.store.removeFunction(digest);
  }

  /** Only that snapshot of the kind, and what builds on it, can be used any more. */
  async keepRuntime(kind: string, id: string): Promise<void> {
    await this.#open?.store.keepRuntime(kind, id);
  }

  stats(): StoreStats | undefined {
    if (this.#open === undefined) {
      return undefined;
    }
    const { store, writer } = this.#open;
    const { dir, count, bytes, maxBytes, counts } = store;
    return {
      dir,
      snapshots: count,
      bytes,
      maxBytes,
      queued: writer.queued,
      ...counts,
      failure: writer.failure ?? null,
    };
  }

  /** Before the tenders go: what waits to be written is, within a bound. */
  async flush(): Promise<void> {
    await this.#open?.writer.stop(FLUSH_MS);
  }

  /** After the tenders have gone. */
  async close(): Promise<void> {
    await this.#open?.writer.settled();
    await this.#open?.store.close();
  }
}

/** What invocations may have left behind is in a snapshot taken after them, and stays in memory. */
function isLasting(snapshot: Snapshot): boolean {
  return [snapshot, ...lineage(snapshot)].every(({ isRecapture }) => isRecapture !== true);
}
