import type { Action, ObjectArguments } from '../../contract/action.ts';
import type { HalfwayPointInfo } from '../../contract/snapshot.ts';
import { canonicalJson } from '../../json/canonical.ts';
import { JsonText, membersOf } from '../../json/json-text.ts';
import { compactJson } from '../../json/print.ts';
import { type Snapshot, snapshotId } from '../../snapshot/snapshot.ts';
import { argumentsText } from './arguments.ts';

/** Leading runs that brought no snapshot before no other one tries. */
const FAILURES_MAX = 3;
/** A character in a JSON string takes six at most. */
const ESCAPE_CHARS = 6;

/** One place half-way through a function's run where invocations may start. */
export interface HalfwayPoint {
  /** The arguments that it fixes; none for the function's own checkpoint(). */
  readonly fixed: JsonText;
  /** Each by its name, as a canonical text. */
  readonly wanted: ReadonlyMap<string, string>;
  readonly origin: 'declared' | 'checkpoint';
  snapshot: Snapshot | undefined;
  lead: LeadState;
  failures: number;
  /** Why there is no snapshot. */
  reason: string | undefined;
  /** What the run used before the capture that may differ from run to run: `time: Date.now`. */
  observed: readonly string[];
}

/**
 * `starting`: an invocation is about to bring the snapshot. `failed`: none will.
 */
type LeadState = 'none' | 'starting' | 'failed';

function halfwayPoint(fixed: JsonText, origin: HalfwayPoint['origin']): HalfwayPoint {
  return {
    fixed,
    wanted: new Map(Array.from(membersOf(fixed), ([name, value]) => [name, canonicalJson(value)])),
    origin,
    snapshot: undefined,
    lead: 'none',
    failures: 0,
    reason: undefined,
    observed: [],
  };
}

/** Id of its snapshot, whether there is one or not. */
export function argumentSnapshotId(parent: Snapshot, { origin, fixed }: HalfwayPoint): string {
  return snapshotId([parent.id, origin, fixed.text]);
}

/** Those that an action declares, deepest first; of equally deep ones the first that is declared. */
export function declaredHalfwayPoints(declared: readonly ObjectArguments[]): HalfwayPoint[] {
  return declared
    .map((fixed) => halfwayPoint(argumentsText(fixed), 'declared'))
    .sort((a, b) => b.wanted.size - a.wanted.size);
}

/** The function calls checkpoint(), as its run said. */
export function addCheckpoint(all: HalfwayPoint[]): void {
  if (!all.some(({ origin }) => origin === 'checkpoint')) {
    all.push(halfwayPoint(JsonText.of({}), 'checkpoint'));
  }
}

/** The deepest one whose fixed arguments an invocation has. */
export function findHalfwayPoint(all: readonly HalfwayPoint[], params: JsonText): HalfwayPoint | undefined {
  if (all.length === 0 || !params.isObject) {
    return undefined;
  }
  const given = membersOf(params);
  return all.find(({ wanted }) =>
    [...wanted].every(([name, canonical]) => {
      const value = given.get(name);
      return value !== undefined && isSame(value, canonical);
    }),
  );
}

/** The leading run is over, with or without a snapshot. */
export function leadEnded(halfway: HalfwayPoint, outcome: Snapshot | { readonly failure: string }): void {
  if ('failure' in outcome) {
    halfway.failures += 1;
    halfway.lead = halfway.failures < FAILURES_MAX ? 'none' : 'failed';
    halfway.reason = outcome.failure;
    return;
  }
  halfway.snapshot = outcome;
  halfway.lead = 'none';
  halfway.failures = 0;
  halfway.reason = undefined;
}

/** It can never have a snapshot. */
export function leadRefused(halfway: HalfwayPoint, reason: string): void {
  halfway.lead = 'failed';
  halfway.reason = reason;
}

export function halfwayPointInfo(halfway: HalfwayPoint): HalfwayPointInfo {
  const { fixed, origin, snapshot, lead, reason, observed } = halfway;
  return {
    fixed,
    origin,
    state: snapshot === undefined ? lead : 'ready',
    snapshot: snapshot?.id ?? null,
    ...(reason !== undefined && { reason }),
    observed,
  };
}

/** Equality of JSON texts, but for the order of keys. */
function isSame(value: JsonText, canonical: string): boolean {
  const compact = compactJson(value);
  return (
    compact.text === canonical ||
    // The client decides how much text it sends; of equal values one cannot be longer than this.
    (compact.text.length <= canonical.length * ESCAPE_CHARS && canonicalJson(compact) === canonical)
  );
}

/**
 * Those of an action, deepest first.
 * @param known of the function that the node has of it; undefined if it has none yet
 */
export function halfwayPointsOf(action: Action, known?: readonly HalfwayPoint[]): HalfwayPointInfo[] {
  return (known ?? declaredHalfwayPoints(action.policy.specialize)).map(halfwayPointInfo);
}
