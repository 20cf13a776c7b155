import type { Snapshot } from '../snapshot/snapshot.ts';
import type { SnapshotCache } from '../snapshot/snapshot-cache.ts';
import { type Core, leastLoaded } from './cores.ts';

/** How often is looked for a core that has nothing else to do. */
const RETRY_MS = 25;
/** When so many wait, cores that are busy do it as well. */
const WAITING_MAX = 64;

/**
 * Turns new snapshots into compact ones: what is kept of them are the words that differ from their
 * parent, a tenth of the memory. It takes a tender a millisecond or two, so a core that is idle does it.
 */
export class Compactor {
  readonly #cores: readonly Core[];
  readonly #snapshots: SnapshotCache;
  readonly #waiting = new Set<Snapshot>();
  readonly #working = new Set<Core>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(cores: readonly Core[], snapshots: SnapshotCache) {
    this.#cores = cores;
    this.#snapshots = snapshots;
  }

  /** A snapshot is there that every tender knows. */
  note(snapshot: Snapshot): void {
    if (snapshot.parent === undefined || snapshot.compacted !== undefined || this.#stopped) {
      return;
    }
    this.#waiting.add(snapshot);
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#waiting.size > 0) {
      this.#timer ??= setTimeout(() => this.#work(), RETRY_MS).unref();
    }
  }

  #work(): void {
    this.#timer = undefined;
    for (let core = this.#free(); core !== undefined; core = this.#free()) {
      const [snapshot] = this.#waiting;
      if (snapshot === undefined) {
        return;
      }
      this.#waiting.delete(snapshot);
      void this.#compact(core, snapshot);
    }
    this.#look();
  }

  /** A core that may do one more. */
  #free(): Core | undefined {
    const cores = this.#cores.filter((core) => !this.#working.has(core));
    if (this.#waiting.size > WAITING_MAX && cores.length > 0) {
      return leastLoaded(cores);
    }
    return cores.find((core) => core.active === 0 && core.starting === 0);
  }

  async #compact(core: Core, snapshot: Snapshot): Promise<void> {
    this.#working.add(core);
    try {
      this.#snapshots.setCompacted(snapshot, await core.tender.compact(snapshot.number));
    } catch {
      // It stays as it is: too little would be saved, or it was dropped meanwhile.
    } finally {
      this.#working.delete(core);
      this.#look();
    }
  }
}
