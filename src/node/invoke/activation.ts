import type { Action } from '../../contract/action.ts';
import type { Activation, InvokeOptions } from '../../contract/activation.ts';
import type { JsonText } from '../../json/json-text.ts';
import { mayStartAgain } from '../../tender/tender-death.ts';
import type { FunctionRecord } from '../function/function-record.ts';
import type { Start } from '../function/start.ts';
import { AnsweredActivation } from './answered.ts';
import { Invocation } from './invocation.ts';
import type { Outcome } from './outcome.ts';
import type { NodeParts } from './parts.ts';

/**
 * Carries out one invocation, whatever the function does.
 * @throws PlatformError when the platform failed, never for what the function did
 */
export async function activate(
  node: NodeParts,
  record: FunctionRecord,
  action: Action,
  params: JsonText,
  options: InvokeOptions,
): Promise<Activation> {
  if (options.id === undefined) {
    return await carryOut(node, new Invocation(node, record, action, params, options, undefined));
  }
  const running = node.invocations.begin(options.id, action);
  try {
    return await carryOut(node, new Invocation(node, record, action, params, options, running));
  } finally {
    node.invocations.end(running);
  }
}

async function carryOut(node: NodeParts, invocation: Invocation): Promise<Activation> {
  const startMs = Date.now();
  const begun = performance.now();
  const { timings, logs } = invocation;
  let start: Start;
  let outcome: Outcome | undefined;
  let starts = 0;
  do {
    const acquired = invocation.acquire();
    start = acquired instanceof Promise ? await acquired : acquired;
    const place = node.places.of(start);
    timings.waitMs = performance.now() - begun;
    node.counts[start.path] += 1;
    starts += 1;
    try {
      outcome = await invocation.drive(start, place);
    } catch (error) {
      if (!mayStartAgain(error, starts)) {
        throw error;
      }
    } finally {
      place.giveBack();
    }
    node.counts[start.path] -= Number(outcome === undefined);
  } while (outcome === undefined);
  timings.totalMs = performance.now() - begun;
  return new AnsweredActivation(outcome, start.path, timings, logs.finish(), startMs);
}
