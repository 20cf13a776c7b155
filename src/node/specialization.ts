import { type Snapshot, snapshotId } from '../snapshot/snapshot.ts';
import type { JsonObject, JsonValue, SpecializationInfo } from './types.ts';

/** Leading runs that brought no snapshot before no other one tries. */
const FAILURES_MAX = 3;

/** One place half-way through a function's run where invocations may start. */
export interface Specialization {
  /** The arguments that it fixes; none for the function's own checkpoint(). */
  readonly fixed: JsonObject;
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
export type LeadState = 'none' | 'starting' | 'failed';

function specialization(fixed: JsonObject, origin: Specialization['origin']): Specialization {
  return {
    fixed,
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
  return snapshotId([parent.id, origin, JSON.stringify(fixed)]);
}

/** Those that an action declares, deepest first; of equally deep ones the first that is declared. */
export function declaredSpecializations(declared: readonly JsonObject[]): Specialization[] {
  return declared
    .toSorted((a, b) => Object.keys(b).length - Object.keys(a).length)
    .map((fixed) => specialization(fixed, 'declared'));
}

/** The function calls checkpoint(), as its run said. */
export function addCheckpoint(all: Specialization[]): void {
  if (!all.some(({ origin }) => origin === 'checkpoint')) {
    all.push(specialization({}, 'checkpoint'));
  }
}

/** The deepest one whose fixed arguments an invocation has. */
export function findSpecialization(
  all: readonly Specialization[],
  params: JsonValue,
): Specialization | undefined {
  if (all.length === 0 || !isObject(params)) {
    return undefined;
  }
  return all.find(({ fixed }) =>
    Object.keys(fixed).every((name) => Object.hasOwn(params, name) && isEqual(fixed[name], params[name])),
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

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equality of JSON texts, but for the order of keys. */
function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => isEqual(item, b[i]))
    );
  }
  if (!isObject(a) || !isObject(b)) {
    return a === b;
  }
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
}
