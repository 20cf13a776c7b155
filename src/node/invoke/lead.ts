import type { Action } from '../../contract/action.ts';
import type { PlatformError } from '../../contract/errors.ts';
import { type Snapshot, snapshotOf } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';
import { resumeMessage, specializeMessage } from '../../uc/driver-messages.ts';
import type { Reply } from '../../uc/exchange.ts';
import type { LogCollector } from '../../uc/log-collector.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import { argumentSnapshotId, type HalfwayPoint, leadEnded, leadRefused } from '../function/halfway.ts';
import { nextSeed } from '../function/seed.ts';
import type { Deployed } from './deploy.ts';
import { type Outcome, parkOutcome, runOutcome } from './outcome.ts';
import type { NodeParts, Timings } from './parts.ts';
import type { Place } from './place.ts';

/** The invocation that leads, as far as the way to its snapshot needs it. */
export interface LeadingInvocation {
  readonly node: NodeParts;
  readonly place: Place;
  readonly record: FunctionRecord;
  readonly action: Action;
  readonly timings: Timings;
  readonly logs: LogCollector;
  /** Its arguments, and the variables of its environment, as JSON texts. */
  readonly value: string;
  readonly env: string;
  nextId(): number;
  runText(id: number, seed: string, checkpoint: boolean): string;
  deploy(snapshot: Snapshot, first: (uc: FunctionUc) => Promise<Reply>): Promise<Deployed>;
  exchange(uc: FunctionUc, message: string, runId: number | undefined, timeoutMs: number): Promise<Reply>;
  conclude(outcome: Outcome | PlatformError): Outcome;
}

const RANDOM = /^random\b/;

/**
 * An invocation that starts from the function's snapshot and brings an argument snapshot on its way: the
 * driver runs the function up to where it needs more than the fixed arguments, or calls checkpoint(), and
 * parks; the UC is captured there and goes on with this invocation's arguments.
 */
export async function lead(
  invocation: LeadingInvocation,
  parent: Snapshot,
  halfway: HalfwayPoint,
): Promise<Outcome> {
  const { place, timings, logs } = invocation;
  const { limits } = invocation.action;
  const { tender } = place.core;
  const id = invocation.nextId();
  const seed = nextSeed();
  const text =
    halfway.origin === 'declared'
      ? specializeMessage(id, halfway.fixed.text, seed)
      : invocation.runText(id, seed, true);
  const begun = performance.now();
  const runMs = (): number => performance.now() - begun - (timings.deployMs ?? 0) - (timings.captureMs ?? 0);
  try {
    const { uc, reply } = await invocation
      .deploy(parent, (fresh) => invocation.exchange(fresh, text, undefined, limits.timeoutMs))
      .finally(() => place.started());
    const stop = await reply;
    if (stop.type === 'ended') {
      logs.finish();
    }
    const parked = parkOutcome(stop, id, halfway.origin === 'checkpoint', limits, logs);
    timings.runMs = runMs();
    if (!('observed' in parked)) {
      return invocation.conclude(parked);
    }
    const captured = capture(invocation, uc, parent, halfway, parked.observed);
    // The driver finds it when the capture is over.
    const resumed = invocation.nextId();
    const message = resumeMessage(resumed, invocation.value, invocation.env, undefined);
    const left = Math.max(1, limits.timeoutMs - timings.runMs);
    const answer = await invocation.exchange(uc, message, resumed, left);
    await captured;
    timings.runMs = runMs();
    logs.finish();
    return invocation.conclude(runOutcome(answer, resumed, false, limits, logs));
  } finally {
    if (halfway.lead === 'starting' && tender.isGone) {
      halfway.lead = 'none';
    } else if (halfway.lead === 'starting') {
      leadEnded(halfway, { failure: 'the run ended, or answered, before it could be captured' });
    }
  }
}

/** Captures the parked UC, unless what its run has used forbids that. */
async function capture(
  { node, record, timings }: LeadingInvocation,
  uc: FunctionUc,
  parent: Snapshot,
  halfway: HalfwayPoint,
  observed: readonly string[],
): Promise<void> {
  halfway.observed = observed;
  const random = observed.filter((text) => RANDOM.test(text));
  if (random.length > 0) {
    leadRefused(halfway, `all invocations would share random values: ${random.join(', ')}`);
    return;
  }
  const savedMs = timings.runMs;
  const number = node.cores.nextSnapshot();
  try {
    const captured = await uc.tender.capture(uc.id, number, true);
    timings.captureMs = captured.stopNs / 1e6;
    uc.halfway = true;
    keep(node, record, argumentSnapshot(number, captured, parent, halfway, savedMs));
  } catch (error) {
    if (isTenderDeath(error)) {
      return;
    }
    leadEnded(halfway, { failure: `the capture failed: ${String(error)}` });
  }
}

function argumentSnapshot(
  number: number,
  captured: Captured,
  parent: Snapshot,
  halfway: HalfwayPoint,
  savedMs: number,
): Snapshot {
  const snapshot: Snapshot = snapshotOf({
    number,
    id: argumentSnapshotId(parent, halfway),
    kind: 'argument',
    parent,
    of: parent.of,
    fixed: halfway.fixed,
    captured,
    savedMs,
    evicted: () => {
      halfway.snapshot = undefined;
    },
  });
  leadEnded(halfway, snapshot);
  return snapshot;
}

function keep(node: NodeParts, record: FunctionRecord, snapshot: Snapshot): void {
  if (record.forgotten) {
    node.cores.drop(snapshot).catch(() => undefined);
    return;
  }
  node.snapshots.add(snapshot);
  node.budget.enforce();
}
