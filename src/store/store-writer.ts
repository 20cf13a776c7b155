import { PlatformError } from '../contract/errors.ts';
import type { StoreOptions } from '../contract/options.ts';
import type { Cores } from '../cores/cores.ts';
import { isDiskFull } from '../files/write-fault.ts';
import { functionDigest, type Snapshot } from '../snapshot/snapshot.ts';
import { isTenderDeath } from '../tender/tender-death.ts';
import { errnoOf } from '../tender/tender-error.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** Snapshots that wait to be written: beyond it new ones are left out. */
const QUEUE_MAX = 20_000;
/** After a failure (a full disk, say) the store is left alone for so long. */
const RETRY_MS = 30_000;

const ENOSPC = 28;
const EDQUOT = 122;
const ESTALE = 116;
const EOPNOTSUPP = 95;

/** Writes snapshots to the store behind the back of everything else, one after the other. */
export class StoreWriter {
  readonly #store: SnapshotStore;
  readonly #cores: Cores;
  readonly #report: NonNullable<StoreOptions['onReport']>;
  readonly #queue = new Set<Snapshot>();
  /** Those of the queue that are held in memory until they are written. */
  readonly #spilling = new Map<Snapshot, () => void>();
  #current: Snapshot | undefined;
  #cancelled = false;
  #working: Promise<void> | undefined;
  #failure: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(store: SnapshotStore, cores: Cores, report: NonNullable<StoreOptions['onReport']>) {
    this.#store = store;
    this.#cores = cores;
    this.#report = report;
  }

  /** Snapshots that are not written yet. */
  get queued(): number {
    return this.#queue.size + Number(this.#current !== undefined);
  }

  /** Why the last write failed, until one succeeds. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Has a snapshot written. Parents are to be given before their children. */
  add(snapshot: Snapshot): void {
    if (!this.#stopped && this.#queue.size < QUEUE_MAX) {
      this.#queue.add(snapshot);
      this.#start();
    }
  }

  /** Resolves when a snapshot that is to leave the memory has been written, if that is still to come. */
  async spill(snapshot: Snapshot): Promise<void> {
    const failing = this.#failure !== undefined;
    if (this.#stopped || failing || !(this.#queue.has(snapshot) || this.#current === snapshot)) {
      this.#queue.delete(snapshot);
      return;
    }
    await new Promise<void>((resolve) => this.#spilling.set(snapshot, resolve));
  }

  /** It is not to be written, nor to stay if it was. */
  cancel(digest: string): void {
    for (const snapshot of this.#queue) {
      if (functionDigest(snapshot) === digest) {
        this.#queue.delete(snapshot);
        this.#done(snapshot);
      }
    }
    this.#cancelled ||= this.#current !== undefined && functionDigest(this.#current) === digest;
  }

  /** One snapshot alone, as `cancel`. */
  drop(snapshot: Snapshot): void {
    if (this.#queue.delete(snapshot)) {
      this.#done(snapshot);
    }
    this.#cancelled ||= this.#current === snapshot;
  }

  /** No tender has it any more: what is not written yet never will be. */
  forget(snapshot: Snapshot): void {
    this.#queue.delete(snapshot);
    this.#done(snapshot);
  }

  /** Resolves when all is written, or after `limitMs`; nothing is begun afterwards. */
  async stop(limitMs: number): Promise<void> {
    clearTimeout(this.#retry);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([this.#working, late]);
    clearTimeout(timer);
    this.#stopped = true;
    this.#queue.clear();
    for (const resolveSpill of this.#spilling.values()) {
      resolveSpill();
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#working;
  }

  #start(): void {
    if (this.#retry === undefined) {
      this.#working ??= this.#work();
    }
  }

  async #work(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#queue.delete(next);
      this.#current = next;
      this.#cancelled = false;
      const result = await this.#write(next);
      this.#current = undefined;
      if (result === 'done' || this.#stopped) {
        this.#done(next);
        continue;
      }
      this.#queue.add(next);
      if (result === 'later') {
        this.#pause();
        break;
      }
    }
    this.#working = undefined;
  }

  /** What takes memory that it should not comes first. */
  #next(): Snapshot | undefined {
    for (const snapshot of this.#spilling.keys()) {
      if (this.#queue.has(snapshot)) {
        return snapshot;
      }
    }
    for (const snapshot of this.#queue) {
      return snapshot;
    }
    return undefined;
  }

  /** `again`: its tender died meanwhile. `later`: the store fails. */
  async #write(snapshot: Snapshot): Promise<'done' | 'again' | 'later'> {
    try {
      const core = await this.#cores.complete();
      if (snapshot.lost === true) {
        return 'done';
      }
      if (!(await this.#store.isOurs())) {
        throw new Error('its folder was removed or replaced');
      }
      const written = await this.#store.write(snapshot, core);
      if (this.#cancelled) {
        await this.#store.remove(snapshot.id);
      }
      if (written && this.#failure !== undefined) {
        this.#failure = undefined;
        this.#report('info', 'the snapshot store works again');
      }
      return 'done';
    } catch (error) {
      if (isTenderDeath(error)) {
        return 'again';
      }
      return this.#failed(error) ? 'later' : 'done';
    }
  }

  /**
   * False when it is not the store's fault. A full disk is told once: until it has room, what is
   * not stored is served from memory.
   */
  #failed(error: unknown): boolean {
    const errno = errnoOf(error);
    if (isEndOfNode(error) || errno === ESTALE || errno === EOPNOTSUPP || this.#stopped) {
      return false;
    }
    const reason = this.#reasonOf(error, errno);
    if (this.#failure === undefined) {
      this.#report('warn', `snapshots are not stored, but served from memory alone: ${reason}`);
    }
    this.#failure = reason;
    return true;
  }

  #reasonOf(error: unknown, errno: number): string {
    if (errno === ENOSPC || errno === EDQUOT || isDiskFull(error)) {
      const { dir } = this.#store;
      return (
        `there is no room left on the disk to write to ${dir}; free some (df ${dir}), or name another ` +
        'folder with --store'
      );
    }
    return error instanceof Error ? error.message : String(error);
  }

  #pause(): void {
    for (const snapshot of this.#spilling.keys()) {
      this.#done(snapshot);
    }
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#start();
    }, RETRY_MS).unref();
  }

  #done(snapshot: Snapshot): void {
    this.#spilling.get(snapshot)?.();
    this.#spilling.delete(snapshot);
  }
}

function isEndOfNode(error: unknown): boolean {
  return error instanceof PlatformError && (error.code === 'closed' || error.code === 'node_failed');
}
