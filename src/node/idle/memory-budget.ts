import { readFileSync } from 'node:fs';
import { constants, totalmem } from 'node:os';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import { errnoOf } from '../../tender/tender-error.ts';
import { SMALL_BYTES } from '../function/charge.ts';
import type { FunctionUc } from '../function/function-record.ts';
import type { IdlePool } from './idle-pool.ts';
import type { MemoryAccount } from './memory-account.ts';

/** Part of the machine's memory that UCs and snapshots may take by default. */
const DEFAULT_SHARE = 0.6;
/** From this part of the budget on memory is short. */
const SHORT_SHARE = 0.9;
/** Where the host does not tell: Linux's own default. */
const PIDS_DEFAULT = 32_768;
/** Part of the host's process ids that UCs may take. */
const PID_SHARE = 0.8;
/** Idle UCs, and snapshots, that go at once when the host refuses a new one. */
const PRESSURE_BATCH = 16;
/** UCs that run may take so much beside the runtimes' snapshots, however small the budget is. */
const RUNNING_MIN_BYTES = 128 * 1024 * 1024;
/** A single one claims less by so much: others can run beside it. */
const OTHERS_BYTES = RUNNING_MIN_BYTES / 2;
/**
 * Of what is idle or kept so much stays when one that runs grows, and at most that part of the
 * budget: others would pay for it with cold starts.
 */
const KEPT_BYTES = OTHERS_BYTES / 2;
const KEPT_SHARE = 1 / 16;
/** Part of the budget that a function's snapshot may take, and what it may take at least. */
const CAPTURE_SHARE = 0.25;
const CAPTURE_MIN_BYTES = 64 * 1024 * 1024;
/** What the UCs of a core take at most before their tender has told it. */
const BETWEEN_LOOKS_BYTES = 128 * 1024 * 1024;

const { EAGAIN, EMFILE, ENFILE, ENOMEM } = constants.errno;

export function defaultBudgetBytes(): number {
  return Math.floor(totalmem() * DEFAULT_SHARE);
}

/** What UCs may take together at most, by the host's kernel: a node that keeps its budget stays below. */
export function wallBytes(limitBytes: number, cores: number): number {
  return Math.max(limitBytes, RUNNING_MIN_BYTES) + BETWEEN_LOOKS_BYTES * (cores + 1);
}

/** What a snapshot may take: while it is made, the memory that it is a copy of is there too. */
export function captureMaxBytes(limitBytes: number): number {
  return Math.max(CAPTURE_MIN_BYTES, Math.floor(limitBytes * CAPTURE_SHARE));
}

/**
 * UCs that the host has process ids for. Where it does not show how many there are, Linux's default
 * counts.
 */
function processLimit(): number {
  const read = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
    } catch {
      return PIDS_DEFAULT;
    }
  };
  return Math.floor(Math.min(read('pid_max'), read('threads-max')) * PID_SHARE);
}

interface MemoryBudgetParts {
  readonly limitBytes: number;
  readonly account: MemoryAccount;
  readonly idle: IdlePool;
  readonly snapshots: SnapshotCache;
  /** Ends a UC; resolves when it has gone. */
  readonly end: (uc: FunctionUc) => Promise<void>;
  /** Ends one that runs, which fails its invocation for having exhausted its memory. */
  readonly kill: (uc: FunctionUc) => void;
}

/**
 * One budget over UCs that run, idle ones and snapshots. When it is nearly used up idle UCs lose
 * their processes (src/node/idle/demoter.ts). When it is exceeded they go first, for their snapshot
 * brings them back at the price of a warm start; then functions' snapshots, but for the last few
 * megabytes of both; then, of those that run, one that took more than expected.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #account: MemoryAccount;
  readonly #idle: IdlePool;
  readonly #snapshots: SnapshotCache;
  readonly #maxProcesses = processLimit();
  readonly #end: (uc: FunctionUc) => Promise<void>;
  readonly #kill: (uc: FunctionUc) => void;

  constructor({ limitBytes, account, idle, snapshots, end, kill }: MemoryBudgetParts) {
    this.limitBytes = limitBytes;
    this.#account = account;
    this.#idle = idle;
    this.#snapshots = snapshots;
    this.#end = end;
    this.#kill = kill;
  }

  /** The most that a snapshot of a function may take. */
  get captureMaxBytes(): number {
    return captureMaxBytes(this.limitBytes);
  }

  /** Real bytes held now, but for those of UCs that are about to be gone. */
  get usedBytes(): number {
    return this.#account.running + this.#account.idle + this.#snapshots.bytes;
  }

  /** Soon something has to go. */
  get isShort(): boolean {
    return this.usedBytes > this.limitBytes * SHORT_SHARE;
  }

  /** What all may take when UCs run: a budget below that would let none run. */
  get #roomBytes(): number {
    return Math.max(this.limitBytes, this.#snapshots.pinnedBytes + RUNNING_MIN_BYTES);
  }

  /** What is left for those who begin to run after a start that waits for `bytes`. */
  roomBeside(bytes: number): number {
    return this.#roomBytes - this.#snapshots.pinnedBytes - bytes - this.#account.late;
  }

  /** The most that one UC may claim. */
  get claimMax(): number {
    return this.#roomBytes - this.#snapshots.pinnedBytes - OTHERS_BYTES;
  }

  /**
   * Whether a UC may begin to run that will take so many bytes more than are counted. Idle UCs give
   * way, then snapshots. It has to wait where others that run take, or are expected to take, what
   * it needs; never when none runs. What is small waits neither for what others are expected to
   * take, nor for memory that is about to be free.
   */
  admit(bytes: number): boolean {
    const { begun, claimed, running } = this.#account;
    const isSmall = bytes <= SMALL_BYTES;
    const claims = (isSmall ? running : claimed) + begun + bytes;
    if (!this.#isQuiet && claims + this.#snapshots.pinnedBytes > this.#roomBytes) {
      return false;
    }
    this.#reclaim(this.#roomBytes - claims);
    const soon = isSmall ? 0 : this.#account.ending;
    return this.#isQuiet || claims + soon + this.#account.idle + this.#snapshots.bytes <= this.#roomBytes;
  }

  /** No UC runs, or is about to run or to be gone. */
  get #isQuiet(): boolean {
    const { begun, ending, runners } = this.#account;
    return runners === 0 && ending === 0 && begun === 0;
  }

  /** The UC's memory is about to be copied. */
  awaitCopy(uc: FunctionUc, copied: Promise<unknown>): void {
    const count = (bytes: number): void => {
      uc.copyMaxBytes = bytes;
      this.#account.update(uc);
    };
    const done = (): void => count(0);
    count(this.captureMaxBytes);
    copied.then(done, done);
  }

  /** Evicts until the budget holds. */
  enforce(): void {
    while (this.#idle.count - this.#idle.demoted > this.#maxProcesses) {
      this.#evict(this.#idle.takeOldestLive());
    }
    const kept = this.#snapshots.pinnedBytes + Math.min(KEPT_BYTES, this.limitBytes * KEPT_SHARE);
    this.#reclaim(Math.max(this.limitBytes - this.#account.running, kept));
  }

  /** A UC has grown. */
  grew(): void {
    this.enforce();
    while (this.usedBytes > this.#roomBytes) {
      const uc = this.#account.outgrown;
      if (uc === undefined) {
        return;
      }
      this.#kill(uc);
    }
  }

  /**
   * The host has no room for what was asked of a tender: idle UCs give way, processes first. What
   * lacks may be descriptors: processes hold those, and snapshots that are not compact. Resolves
   * when they have gone, which takes a process a while; false when there is nothing that could go.
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

  /** Evicts idle UCs, then snapshots, until both together take no more than that. */
  #reclaim(bytes: number): void {
    const isOver = (): boolean => this.#account.idle + this.#snapshots.bytes > bytes;
    while (this.#idle.count > 0 && isOver()) {
      this.#evict(this.#idle.takeOldest());
    }
    while (isOver() && this.#snapshots.evictOne() > 0) {
      // One more is gone.
    }
  }

  #evict(uc: FunctionUc | undefined): void {
    if (uc !== undefined) {
      this.#end(uc).catch(() => undefined);
    }
  }
}
