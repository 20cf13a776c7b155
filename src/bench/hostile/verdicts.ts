import type { Attack } from './attack.ts';
import type { Outcome } from './attacker.ts';

type Once = Attack['once'];
type Verdict = (outcome: Outcome) => string | undefined;

/**
 * An activation's record as a whole: result and logs at their limits, each line's time and stream,
 * and JSON's escapes.
 */
const RECORD_BYTES_MAX = 32 * 1024 * 1024;

/** Invokes the attack's function. */
export function invokes(params: object, verdict: Verdict): Once {
  return async (attacker) => verdict(await attacker.invoke(params));
}

/** The same with the round as its `seed`. */
export function invokesSeeded(params: object, verdict: Verdict): Once {
  return async (attacker, round) => verdict(await attacker.invoke({ ...params, seed: round + 1 }));
}

/** The client is told one way or the other, in bounds. */
export function told(outcome: Outcome): string | undefined {
  const { httpStatus, bytes } = outcome;
  if (bytes > RECORD_BYTES_MAX) return `an answer of ${bytes} bytes`;
  if (httpStatus === 200 || httpStatus === 502 || httpStatus === 429) return undefined;
  return `status ${httpStatus}: ${outcome.text.slice(0, 200)}`;
}

/** The function's own error, however it is told; not that of the platform, and no success. */
export function failed(outcome: Outcome): string | undefined {
  return outcome.httpStatus === 200 ? `it succeeded: ${outcome.text.slice(0, 200)}` : told(outcome);
}

/** The context breaks the rules, and is ended for it: the platform says so. */
export function ended(outcome: Outcome): string | undefined {
  return outcome.httpStatus === 500 && outcome.status === 'whisk internal error'
    ? undefined
    : failed(outcome);
}

/** As `told`, and a context that broke the rules may have been ended. */
export function toldOrEnded(outcome: Outcome): string | undefined {
  return outcome.httpStatus === 500 && outcome.status === 'whisk internal error' ? undefined : told(outcome);
}

export function succeeded(outcome: Outcome): string | undefined {
  return outcome.httpStatus === 200
    ? told(outcome)
    : `status ${outcome.httpStatus}: ${outcome.text.slice(0, 200)}`;
}

/** As `toldOrEnded`; one that waits for memory for too long is told that it is accepted. */
export function toldOrAccepted(outcome: Outcome): string | undefined {
  return outcome.httpStatus === 202 ? undefined : toldOrEnded(outcome);
}
