import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { SnapshotCache } from '../snapshot/snapshot-cache.ts';
import { errnoOf } from '../tender/tender.ts';
import type { FunctionUc } from './function-record.ts';
import type { IdlePool } from './idle-pool.ts';

/** Part of the machine's memory that idle UCs and snapshots may take by default. */
const DEFAULT_SHARE = 0.6;
/** Part of the host's process ids that UCs may take. */
const PID_SHARE = 0.8;
/** Idle UCs, and snapshots, that go at once when the host refuses a new one. */
const PRESSURE_BATCH = 16;
const ENOMEM = 12;
const EAGAIN = 11;
const ENFILE = 23;
const EMFILE = 24;

export function defaultBudgetBytes(): number {
  return Math.floor(totalmem() * DEFAULT_SHARE);
}

/** UCs that the host has process ids for. */
function processLimit(): number {
  const read = (name: string): number => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
  return Math.floor(Math.min(read('pid_max'), read('threads-max')) * PID_SHARE);
}

/**
 * One budget over idle UCs and snapshots. When it is exceeded idle UCs go first, for
 * their snapshot brings them back at the price of a warm start; then functions' snapshots.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #idle: IdlePool;
  readonly #snapshots: SnapshotCache;
  readonly #maxProcesses: number;
  readonly #dispose: (uc: FunctionUc) => void;

  constructor(
    limitBytes: number,
    idle: IdlePool,
    snapshots: SnapshotCache,
    dispose: (uc: FunctionUc) => void,
  ) {
    this.limitBytes = limitBytes;
    this.#idle = idle;
    this.#snapshots = snapshots;
    this.#maxProcesses = processLimit();
    this.#dispose = dispose;
  }

  /** Real bytes held now. */
  get usedBytes(): number {
    return this.#idle.bytes + this.#snapshots.bytes;
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
   * descriptors: processes hold those, and snapshots that are not compact. False when there is nothing that could go.
   */
  relieve(error: unknown): boolean {
    const errno = errnoOf(error);
    const descriptors = errno === EMFILE || errno === ENFILE;
    if (!descriptors && errno !== ENOMEM && errno !== EAGAIN) {
      return false;
    }
    let relieved = false;
    for (let i = 0; i < PRESSURE_BATCH; i++) {
      relieved = (descriptors ? this.#evictDescriptors() : this.#evictIdle()) || relieved;
    }
    return relieved;
  }

  #evictIdle(): boolean {
    const uc = this.#idle.takeOldestLive() ?? this.#idle.takeOldest();
    this.#evict(uc);
    return uc !== undefined;
  }

  #evictDescriptors(): boolean {
    const uc = this.#idle.takeOldestLive();
    this.#evict(uc);
    return uc !== undefined || this.#snapshots.evictOne() > 0;
  }

  #evict(uc: FunctionUc | undefined): void {
    if (uc !== undefined) {
      this.#dispose(uc);
    }
  }
}
