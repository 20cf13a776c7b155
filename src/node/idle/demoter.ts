import { constants } from 'node:os';
import type { Core } from '../../cores/cores.ts';
import { errnoOf } from '../../tender/tender-error.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { IdlePool } from './idle-pool.ts';

const { EBUSY } = constants.errno;

/** An idle UC beyond the last used ones of its function keeps its process for so long. */
const SPARE_IDLE_MS = 1000;
/** The last used ones keep it longer. */
const LAST_USED = 2;
const LAST_USED_IDLE_MS = 30_000;
/**
 * Idle UCs of a core that may have a process: beyond it the longest unused one is demoted as soon
 * as the core is free.
 */
const LIVE_IDLE_PER_CORE = 256;
/** Beyond this it is at once, which holds up what the core has to do by some milliseconds. */
const LIVE_IDLE_MAX = 512;
/** As many of the last used ones keep theirs although memory is short. */
const LIVE_IDLE_MIN = 32;
/** How often is looked for UCs whose time is over. */
const SWEEP_MS = 250;
/** After so many refusals in a row a function's UCs are left alone. */
const REFUSALS_MAX = 3;
/**
 * Attempts when it is asked for. A UC that has just answered comes to rest within milliseconds, on
 * a busy core later.
 */
const ASKED_ATTEMPTS = 5;

/** Idle UCs with a process that a core may have, and how often is looked. */
interface Limits {
  readonly livePerCore: number;
  readonly liveMax: number;
  readonly liveMin: number;
  readonly sweepMs: number;
}

const LIMITS: Limits = {
  livePerCore: LIVE_IDLE_PER_CORE,
  liveMax: LIVE_IDLE_MAX,
  liveMin: LIVE_IDLE_MIN,
  sweepMs: SWEEP_MS,
};

interface DemoterOptions extends Partial<Limits> {
  /** Whether memory is short, so that UCs are demoted rather than evicted soon. */
  readonly short: () => boolean;
  /** UCs are demoted as time goes by, not only when asked; true by default. */
  readonly byTime?: boolean;
}

/**
 * Takes the processes of idle UCs away. A demoted UC costs a tenth of the memory, and about a
 * millisecond to come back. The work is done one UC at a time, while its core has
 * nothing else to do, or when there are too many.
 */
export class Demoter {
  readonly #pool: IdlePool;
  readonly #cores: readonly Core[];
  readonly #short: () => boolean;
  readonly #limits: Limits;
  readonly #working = new Set<Core>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(pool: IdlePool, cores: readonly Core[], options: DemoterOptions) {
    const { short, byTime = true, ...limits } = options;
    this.#pool = pool;
    this.#cores = cores;
    this.#short = short;
    this.#limits = { ...LIMITS, ...limits };
    this.#stopped = !byTime;
  }

  /** A UC of this core has become idle. */
  note(core: Core): void {
    if (this.#stopped) {
      return;
    }
    if (this.#isFull(core)) {
      this.#work(core);
    }
    this.#timer ??= setTimeout(() => this.#sweep(), this.#limits.sweepMs).unref();
  }

  /** Demotes the function's idle UCs now. */
  async demoteAll(record: FunctionRecord): Promise<void> {
    await Promise.all([...record.idle].map((uc) => this.#demote(uc, ASKED_ATTEMPTS)));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #sweep(): void {
    let more = false;
    for (const core of this.#cores) {
      more = this.#work(core) || more;
    }
    this.#timer = more ? setTimeout(() => this.#sweep(), this.#limits.sweepMs).unref() : undefined;
  }

  /** Starts one demotion, others follow it; false if there is nothing to do, now or later. */
  #work(core: Core): boolean {
    const live = this.#pool.live(core);
    if (live.size === 0 || this.#stopped) {
      return false;
    }
    if (this.#working.has(core)) {
      return true;
    }
    const uc = this.#isFull(core) ? first(live) : this.#expired(core, live);
    if (uc !== undefined) {
      this.#working.add(core);
      this.#demote(uc).finally(() => {
        this.#working.delete(core);
        this.#work(core);
      });
    }
    return true;
  }

  /** One has to give way at once, whatever else the core has to do. */
  #isFull(core: Core): boolean {
    const { size } = this.#pool.live(core);
    const { liveMax, liveMin } = this.#limits;
    return size > liveMax || (size > liveMin && this.#short());
  }

  #expired(core: Core, live: ReadonlySet<FunctionUc>): FunctionUc | undefined {
    if (core.active > 0) {
      return undefined;
    }
    if (live.size > this.#limits.livePerCore) {
      return first(live);
    }
    const now = performance.now();
    for (const uc of live) {
      const idleMs = now - uc.idleSinceMs;
      if (idleMs < SPARE_IDLE_MS) {
        return undefined;
      }
      if (idleMs >= LAST_USED_IDLE_MS || !isLastUsed(uc)) {
        return uc;
      }
    }
    return undefined;
  }

  /**
   * Once sent, whoever needs the UC promotes it: the tender does both in order. `attempts`: while
   * it is on its way to rest.
   */
  async #demote(uc: FunctionUc, attempts = 1): Promise<void> {
    const { record } = uc;
    this.#pool.setDemoted(uc);
    try {
      const { remainsBytes } = await uc.tender.demote(uc.id, record.snapshot?.number ?? 0);
      this.#pool.setRemainsBytes(uc, remainsBytes);
      record.refusals = 0;
    } catch (error) {
      this.#pool.setLive(uc);
      if (uc.end !== undefined) {
        return;
      }
      if (attempts > 1 && errnoOf(error) === EBUSY && record.idle.includes(uc)) {
        return await this.#demote(uc, attempts - 1);
      }
      record.refusals += 1;
      record.demotable = record.refusals < REFUSALS_MAX;
    }
  }
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) {
    return item;
  }
  return undefined;
}

function isLastUsed(uc: FunctionUc): boolean {
  const { idle } = uc.record;
  return idle.indexOf(uc) >= idle.length - LAST_USED;
}
