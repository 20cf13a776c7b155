import type { Action, ObjectArguments } from '../../contract/action.ts';
import type { SpecializationInfo } from '../../contract/snapshot.ts';
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
export interface Specialization {
  /** The arguments that it fixes; none for the function's own checkpoint(). */
  readonly fixed: JsonText;
  /** Each by its name, as a canonical text. */
  readonly wanted: ReadonlyMap<string, string>;
  readonly origin: 'declared' | 'checkpoint';
  snapshot: Snapshot | undefined;
  state: LeadState;
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

function specialization(fixed: JsonText, origin: Specialization['origin']): Specialization {
  return {
    fixed,
    wanted: new Map(Array.from(membersOf(fixed), ([name, value]) => [name, canonicalJson(value)])),
    origin,
    snapshot: undefined,
    state: 'none',
    failures: 0,
    reason: undefined,
    observed: [],
  };
}

/** Id of its snapshot, whether there is one or not. */
export function argumentSnapshotId(parent: Snapshot, { origin, fixed }: Specialization): string {
  return snapshotId([parent.id, origin, fixed.text]);
}

/** Those that an action declares, deepest first; of equally deep ones the first that is declared. */
export function declaredSpecializations(declared: readonly ObjectArguments[]): Specialization[] {
  return declared
    .map((fixed) => specialization(argumentsText(fixed), 'declared'))
    .sort((a, b) => b.wanted.size - a.wanted.size);
}

/** The function calls checkpoint(), as its run said. */
export function addCheckpoint(all: Specialization[]): void {
  if (!all.some(({ origin }) => origin === 'checkpoint')) {
    all.push(specialization(JsonText.of({}), 'checkpoint'));
  }
}

/** The deepest one whose fixed arguments an invocation has. */
export function findSpecialization(
  all: readonly Specialization[],
  params: JsonText,
): Specialization | undefined {
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
export function leadEnded(special: Specialization, outcome: Snapshot | { readonly failure: string }): void {
  if ('failure' in outcome) {
    special.failures += 1;
    special.state = special.failures < FAILURES_MAX ? 'none' : 'failed';
    special.reason = outcome.failure;
    return;
  }
  special.snapshot = outcome;
  special.state = 'none';
  special.failures = 0;
  special.reason = undefined;
}

/** It can never have a snapshot. */
export function leadRefused(special: Specialization, reason: string): void {
  special.state = 'failed';
  special.reason = reason;
}

export function specializationInfo(special: Specialization): SpecializationInfo {
  const { fixed, origin, snapshot, state, reason, observed } = special;
  return {
    fixed,
    origin,
    state: snapshot === undefined ? state : 'ready',
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
export function specializationsOf(action: Action, known?: readonly Specialization[]): SpecializationInfo[] {
  return (known ?? declaredSpecializations(action.policy.specialize)).map(specializationInfo);
}
