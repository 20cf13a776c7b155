import { constants } from 'node:os';
import { errnoOf } from '../../tender/tender-error.ts';

const { EAGAIN, E2BIG, ENOTSUP, ETIMEDOUT } = constants.errno;
/** After a failure; it doubles up to an hour, since what failed will mostly fail again. */
const FIRST_DELAY_MS = 30_000;
const LAST_DELAY_MS = 3_600_000;

/**
 * It came to no instruction to be captured at; it has too many mappings; a file or shared memory;
 * it did not stop.
 */
const REFUSALS: readonly number[] = [EAGAIN, E2BIG, ENOTSUP, ETIMEDOUT];

/** A capture has failed for what the UC is or does: more memory or descriptors would not help. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.includes(errnoOf(error));
}

/**
 * Whether the UCs of a function are to be captured after their cold start. One that stands in the
 * way of its capture does so again, most likely, and each attempt takes time of its core.
 */
export class CaptureAttempts {
  #delayMs = FIRST_DELAY_MS;
  #nextMs = 0;

  /** Whether it is worth another attempt, at a time of `performance.now()`. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /**
   * A capture has failed. If that was the function's own doing, it takes longer each time until the
   * next attempt.
   */
  failed(error: unknown, nowMs: number): void {
    if (isRefusal(error)) {
      this.#nextMs = nowMs + this.#delayMs;
      this.#delayMs = Math.min(this.#delayMs * 2, LAST_DELAY_MS);
    }
  }
}
