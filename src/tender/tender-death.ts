import { PlatformError } from '../contract/errors.ts';

/**
 * Starts of one invocation that a death of a tender may spoil: what kills its tender each time is
 * given up.
 */
const STARTS_MAX = 3;

/** The tender that was asked is gone; also when it sent nonsense, since then it was given up. */
export function isTenderDeath(error: unknown): boolean {
  return error instanceof PlatformError && (error.code === 'tender_died' || error.code === 'tender_protocol');
}

/**
 * Whether an invocation may be started once more after this error. Only a deploy that was not
 * confirmed ends with such an error: the function has not begun, or for no longer than its tender
 * takes to hear of it. What has begun has an outcome.
 * @param starts that it has had
 */
export function mayStartAgain(error: unknown, starts: number): boolean {
  return isTenderDeath(error) && starts < STARTS_MAX;
}
