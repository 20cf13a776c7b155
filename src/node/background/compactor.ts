import { type Core, leastLoaded } from '../../cores/cores.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';

/** How often is looked for a core that has nothing else to do. */
const RETRY_MS = 25;
/** When so many wait, cores that are busy do it as well. */
const WAITING_MAX = 64;
/**
 * Then so many are asked of a core at a time: each request waits its turn behind what else a tender
 * has to do.
 */
const HURRY_PER_CORE = 8;

interface CompactorOptions {
  readonly cores: readonly Core[];
  readonly snapshots: SnapshotCache;
  /** False: every snapshot stays as it is. */
  readonly enabled: boolean;
  /** A snapshot of the cache has the form that it will keep. Parents come before their children. */
  readonly onSettled: (snapshot: Snapshot) => void;
}

/**
 * Turns new snapshots into compact ones: what is kept of them are the words that differ from their
 * parent, a tenth of the memory. It takes a tender a millisecond or two, so a core that is idle does it.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #waiting = new Set<Snapshot>();
  readonly #working = new Map<Snapshot, Core>();
  #timer: NodeJS.Timeout | undefined;
  /** Told when nothing waits any more; every core does it then. */
  #drained: (() => void) | undefined;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** A snapshot is there that every tender knows. */
  note(snapshot: Snapshot): void {
    const { enabled, onSettled } = this.#options;
    const final = snapshot.compacted !== undefined || snapshot.stored !== undefined;
    if (!enabled || final || snapshot.parent === undefined) {
      onSettled(snapshot);
      return;
    }
    this.#waiting.add(snapshot);
    this.#look();
  }

  /** It leaves the cache: what is not begun is left. */
  giveUp(snapshot: Snapshot): void {
    if (this.#waiting.delete(snapshot)) {
      this.#options.onSettled(snapshot);
    }
  }

  /** No tender has it any more. */
  forget(snapshot: Snapshot): void {
    this.#waiting.delete(snapshot);
  }

  /** Makes those compact that wait, within a bound; what is left then keeps the form that it has. */
  async stop(limitMs: number): Promise<void> {
    clearTimeout(this.#timer);
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    if (limitMs > 0) {
      const late = setTimeout(resolve, limitMs);
      this.#work();
      await drained;
      clearTimeout(late);
    }
    for (const snapshot of this.#waiting) {
      if (this.#options.snapshots.has(snapshot)) {
        this.#options.onSettled(snapshot);
      }
    }
    this.#waiting.clear();
  }

  #look(): void {
    if (this.#drained !== undefined) {
      if (this.#waiting.size + this.#working.size === 0) {
        this.#drained();
      }
      return;
    }
    if (this.#waiting.size > 0) {
      this.#timer ??= setTimeout(() => this.#work(), RETRY_MS).unref();
    }
  }

  #work(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let core = this.#free(); core !== undefined; core = this.#free()) {
      const snapshot = this.#next();
      if (snapshot === undefined) {
        break;
      }
      this.#waiting.delete(snapshot);
      void this.#compact(core, snapshot);
    }
    this.#look();
  }

  /** A core that may do one more. */
  #free(): Core | undefined {
    const { cores } = this.#options;
    const working = [...this.#working.values()];
    const under = (limit: number) =>
      cores.filter((core) => working.filter((other) => other === core).length < limit);
    if (this.#drained !== undefined || this.#waiting.size > WAITING_MAX) {
      const free = under(HURRY_PER_CORE).filter(({ up, complete }) => up && complete);
      return free.length > 0 ? leastLoaded(free) : undefined;
    }
    return under(1).find((core) => core.up && core.complete && core.active === 0 && core.starting === 0);
  }

  #next(): Snapshot | undefined {
    for (const snapshot of this.#waiting) {
      const { parent } = snapshot;
      if (parent === undefined || !(this.#waiting.has(parent) || this.#working.has(parent))) {
        return snapshot;
      }
    }
    return undefined;
  }

  async #compact(core: Core, snapshot: Snapshot): Promise<void> {
    const { snapshots, onSettled } = this.#options;
    let again = false;
    this.#working.set(snapshot, core);
    try {
      snapshots.setCompacted(snapshot, await core.tender.compact(snapshot.number));
    } catch (error) {
      // Otherwise it stays as it is: too little would be saved, or it was dropped meanwhile.
      again = isTenderDeath(error) && this.#drained === undefined;
    } finally {
      this.#working.delete(snapshot);
      if (again && snapshots.has(snapshot)) {
        this.#waiting.add(snapshot);
      } else if (snapshots.has(snapshot)) {
        onSettled(snapshot);
      }
      this.#work();
    }
  }
}
