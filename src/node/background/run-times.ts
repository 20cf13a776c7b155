import type { Snapshot } from '../../snapshot/snapshot.ts';

/** Runs whose median counts as the present speed. */
const RECENT = 8;
/** Hot runs of a function after which its speed is looked at first; then each time after twice as many. */
const FIRST_CHECK = 10;
const LAST_CHECK = 640;
/** Code counts as compiled when it has become no quicker than this since the check before. */
const STILL_QUICKER = 0.9;
/** What makes a function worth it: that part of the first run's time, and so many milliseconds less. */
const WORTH_RATIO = 0.8;
const WORTH_MS = 0.5;
/** First runs from the new snapshot that judge it, and what they have to come to. */
export const TRIAL_RUNS = 3;
const TRIAL_RATIO = 0.9;
/** Memory that a millisecond of each warm start is worth. */
const BYTES_PER_MS = 16 * 1024 * 1024;

export type Verdict = 'wait' | 'worth-it' | 'never';

/** How long the runs of one function took, so far as its recapture depends on it. */
export class RunTimes {
  #firstMs = Number.POSITIVE_INFINITY;
  readonly #recent: number[] = [];
  #hotRuns = 0;
  #checkAt = FIRST_CHECK;
  #checkedMs: number | undefined;

  /** The quickest first run of a UC. */
  get firstMs(): number {
    return this.#firstMs;
  }

  first(ms: number): void {
    this.#firstMs = Math.min(this.#firstMs, ms);
  }

  hot(ms: number): Verdict {
    this.#recent[this.#hotRuns++ % RECENT] = ms;
    if (this.#hotRuns < this.#checkAt) {
      return 'wait';
    }
    const nowMs = medianOf(this.#recent);
    const settled = this.#checkedMs !== undefined && nowMs > this.#checkedMs * STILL_QUICKER;
    this.#checkedMs = nowMs;
    this.#checkAt *= 2;
    const worthIt = nowMs <= this.#firstMs * WORTH_RATIO && this.#firstMs - nowMs >= WORTH_MS;
    if (worthIt && settled) {
      return 'worth-it';
    }
    return this.#checkAt > LAST_CHECK ? 'never' : 'wait';
  }
}

/** A new snapshot proves itself beside the one that it replaced. */
export class RecaptureTrial {
  readonly previous: Snapshot;
  readonly #beforeMs: number;
  readonly #bytes: number;
  readonly #runs: number[] = [];

  /**
   * @param beforeMs what a first run from the previous one took
   * @param bytes that the new one takes
   */
  constructor(previous: Snapshot, beforeMs: number, bytes: number) {
    this.previous = previous;
    this.#beforeMs = beforeMs;
    this.#bytes = bytes;
  }

  /** Undefined: not enough first runs to tell. */
  first(ms: number): 'better' | 'no-better' | undefined {
    this.#runs.push(ms);
    if (this.#runs.length < TRIAL_RUNS) {
      return undefined;
    }
    return isBetter(medianOf(this.#runs), this.#beforeMs, this.#bytes) ? 'better' : 'no-better';
  }
}

/** Whether a first run is so much quicker than before that the new snapshot is worth its memory. */
export function isBetter(afterMs: number, beforeMs: number, bytes: number): boolean {
  return afterMs <= beforeMs * TRIAL_RATIO && bytes <= (beforeMs - afterMs) * BYTES_PER_MS;
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
