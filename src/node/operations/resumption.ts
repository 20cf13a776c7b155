import type { Activation, ActivationTimings, InvokeOptions } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { CallTrace } from '../../uc/call-trace.ts';
import { exchange } from '../../uc/exchange.ts';
import { LogCollector } from '../../uc/log-collector.ts';
import type { RunningInvocation } from '../function/running.ts';
import { AnsweredActivation } from '../invoke/answered.ts';
import { type Deployed, deploySnapshot } from '../invoke/deploy.ts';
import { maxLineBytes, runOutcome } from '../invoke/outcome.ts';
import type { NodeParts } from '../invoke/parts.ts';
import type { Place } from '../invoke/place.ts';
import type { Continuation } from './live-capture.ts';

/**
 * Deploys the snapshot of a captured run and lets it go on to its answer, with the action's limits
 * anew. Nobody else is served by that UC.
 * @throws PlatformError when the platform failed, never for what the function did
 */
export async function resumeRun(
  node: NodeParts,
  snapshot: Snapshot,
  continuation: Continuation,
  options: InvokeOptions,
): Promise<Activation> {
  const { action, runId } = continuation;
  const startMs = Date.now();
  const begun = performance.now();
  const logs = new LogCollector(action.limits.logBytes);
  const running = options.id === undefined ? undefined : node.invocations.begin(options.id, action);
  let place: Place | undefined;
  try {
    place = node.places.starting(node.dispatcher.startAtOnce());
    const { deployMs, reply } = await deploy(node, place, snapshot, continuation, options, logs, running);
    const answer = await reply;
    logs.finish();
    const outcome = runOutcome(answer, runId, false, action.limits, logs);
    if (outcome instanceof PlatformError) {
      throw outcome;
    }
    const totalMs = performance.now() - begun;
    const timings: ActivationTimings = { waitMs: 0, deployMs, runMs: totalMs - deployMs, totalMs };
    return new AnsweredActivation(outcome, 'warm', timings, logs.finish(), startMs);
  } finally {
    if (running !== undefined) {
      node.invocations.end(running);
    }
    place?.giveBack();
  }
}

/** The UC gets no message: it goes on with the one that it was at work on. */
async function deploy(
  node: NodeParts,
  place: Place,
  snapshot: Snapshot,
  { record, action, runId, held }: Continuation,
  { signal, id }: InvokeOptions,
  logs: LogCollector,
  running: RunningInvocation | undefined,
): Promise<Deployed> {
  const { limits } = action;
  node.snapshots.touch(snapshot);
  try {
    const deployed = await deploySnapshot(node, place, snapshot, record, limits.memoryBytes, (uc) => {
      uc.hold(held);
      if (running !== undefined) {
        running.path = 'warm';
        running.run = { uc, id: runId };
      }
      return exchange(uc, undefined, {
        timeoutMs: limits.timeoutMs,
        maxLineBytes: maxLineBytes(limits),
        logs,
        signal,
        onCut: running?.noteCut,
        trace: record.trace && new CallTrace(id, record.trace),
      });
    });
    node.counts.warm += 1;
    return deployed;
  } finally {
    place.started();
  }
}
