import { readFileSync } from 'node:fs';
import { constants, totalmem } from 'node:os';
import type { SnapshotCache } from '../snapshot/snapshot-cache.ts';
import { errnoOf } from '../tender/tender.ts';
import type { FunctionUc } from './function-record.ts';
import type { IdlePool } from './idle-pool.ts';

/** Part of the machine's memory that idle UCs and snapshots may take by default. */
const DEFAULT_SHARE = 0.6;
/** From this part of the budget on memory is short. */
const SHORT_SHARE = 0.9;
/** Part of the host's process ids that UCs may take. */
const PID_SHARE = 0.8;
/** Idle UCs, and snapshots, that go at once when the host refuses a new one. */
const PRESSURE_BATCH = 16;

const { EAGAIN, EMFILE, ENFILE, ENOMEM } = constants.errno;

export function defaultBudgetBytes(): number {
  return Math.floor(totalmem() * DEFAULT_SHARE);
}

/** UCs that the host has process ids for. */
function processLimit(): number {
  const read = (name: string): number => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
  return Math.floor(Math.min(read('pid_max'), read('threads-max')) * PID_SHARE);
}

/**
 * One budget over idle UCs and snapshots. When it is nearly used up idle UCs lose their processes
 * (src/node/demoter.ts). When it is exceeded they go first, for their snapshot brings them back at the
 * price of a warm start; then functions' snapshots.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #idle: IdlePool;
  readonly #snapshots: SnapshotCache;
  readonly #maxProcesses: number;
  readonly #end: (uc: FunctionUc) => Promise<void>;

  constructor(
    limitBytes: number,
    idle: IdlePool,
    snapshots: SnapshotCache,
    end: (uc: FunctionUc) => Promise<void>,
  ) {
    this.limitBytes = limitBytes;
    this.#idle = idle;
    this.#snapshots = snapshots;
    this.#maxProcesses = processLimit();
    this.#end = end;
  }

  /** Real bytes held now. */
  get usedBytes(): number {
    return this.#idle.bytes + this.#snapshots.bytes;
  }

  /** Soon something has to go. */
  get isShort(): boolean {
    return this.usedBytes > this.limitBytes * SHORT_SHARE;
  }

  /** Evicts until the budget holds. */
  enforce(): void {
    while (this.#idle.count > 0 && this.usedBytes > this.limitBytes) {
      this.#evict(this.#idle.takeOldest());
    }
    while (this.#idle.count - this.#idle.demoted > this.#maxProcesses) {
      this.#evict(this.#idle.takeOldestLive());
    }
    while (this.usedBytes > this.limitBytes && this.#snapshots.evictOne() > 0) {
      // One more is gone.
    }
  }

  /**
   * The host has no room for what was asked of a tender: idle UCs give way, processes first. What lacks may be
   * descriptors: processes hold those, and snapshots that are not compact. Resolves when they have gone, which takes a
   * process a while; false when there is nothing that could go.
   */
  async relieve(error: unknown): Promise<boolean> {
    const errno = errnoOf(error);
    const descriptors = errno === EMFILE || errno === ENFILE;
    if (!descriptors && errno !== ENOMEM && errno !== EAGAIN) {
      return false;
    }
    const ends: Promise<void>[] = [];
    let relieved = false;
    for (let i = 0; i < PRESSURE_BATCH; i++) {
      const uc = this.#idle.takeOldestLive() ?? (descriptors ? undefined : this.#idle.takeOldest());
      if (uc !== undefined) {
        ends.push(this.#end(uc));
      }
      relieved = uc !== undefined || (descriptors && this.#snapshots.evictOne() > 0) || relieved;
    }
    await Promise.all(ends);
    return relieved;
  }

  #evict(uc: FunctionUc | undefined): void {
    if (uc !== undefined) {
      this.#end(uc).catch(() => undefined);
    }
  }
}
