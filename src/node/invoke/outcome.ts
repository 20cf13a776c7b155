import type { ActionLimits } from '../../contract/action.ts';
import type { ActivationStatus } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import { DEPTH_MAX, JsonText, utf8Bytes } from '../../json/json-text.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';
import type { DriverAnswer } from '../../uc/driver-messages.ts';
import type { Reply } from '../../uc/exchange.ts';
import type { LogCollector } from '../../uc/log-collector.ts';
import { describeEnd, type UcEnd } from '../../uc/uc-end.ts';

/** What an init or a run came to, in OpenWhisk's words (its ActivationResult). */
export interface Outcome {
  readonly status: ActivationStatus;
  readonly result: JsonText;
  readonly timedOut: boolean;
  /** False: the UC has to go. */
  readonly reusable: boolean;
  /** The function called checkpoint(), and no capture was wanted. */
  readonly checkpoint?: boolean;
}

/** A run that stands still where it may be captured. */
export interface Parked {
  /** What it has used that differs from run to run. */
  readonly observed: readonly string[];
}

type Phase = 'init' | 'run';

/** Room for what surrounds the value in a result message. */
const ENVELOPE_BYTES = 1024;

const EXITED: Readonly<Record<Phase, string>> = {
  init: 'The action did not initialize and exited unexpectedly.',
  run: 'The action did not produce a valid response and exited unexpectedly.',
};
const OUT_OF_MEMORY = 'The action exhausted its memory and was aborted.';
/** Last words of interpreters whose heap is full. */
const HEAP_IS_FULL = /out of memory|MemoryError/i;

/** Longest driver line that is worth keeping. */
export function maxLineBytes(limits: ActionLimits): number {
  return limits.resultBytes + ENVELOPE_BYTES;
}

function failure(status: ActivationStatus, error: string, more?: Partial<Outcome>): Outcome {
  return { status, result: JsonText.of({ error }), timedOut: false, reusable: false, ...more };
}

function developerError(error: string): Outcome {
  return failure('action developer error', error);
}

function platformFailure(error: string): Outcome {
  return failure('whisk internal error', error);
}

function timeout(phase: Phase, limits: ActionLimits): Outcome {
  const where = phase === 'init' ? ' during initialization' : '';
  const text = `The action exceeded its time limits of ${limits.timeoutMs} milliseconds${where}.`;
  return failure('action developer error', text, { timedOut: true });
}

function tooLong(bytes: number, limits: ActionLimits, reusable: boolean): Outcome {
  const text =
    `The action produced a response that exceeded the allowed length: ${bytes} > ${limits.resultBytes} ` +
    'bytes.';
  return failure('application error', text, { reusable });
}

function tooDeep(reusable: boolean): Outcome {
  const text = `The action produced a response that is nested more than ${DEPTH_MAX} levels deep.`;
  return failure('application error', text, { reusable });
}

function ended(end: UcEnd, phase: Phase, logs: LogCollector): Outcome | PlatformError {
  switch (end.type) {
    case 'exited':
      return developerError(EXITED[phase]);
    case 'signalled':
      return developerError(logs.mentions(HEAP_IS_FULL) ? OUT_OF_MEMORY : EXITED[phase]);
    case 'out-of-memory':
      return developerError(OUT_OF_MEMORY);
    case 'killed':
    case 'restless':
    case 'broken':
      return platformFailure(`The unikernel context of the action failed: ${describeEnd(end)}.`);
    case 'lost':
      return isTenderDeath(end.error)
        ? platformFailure(`The action did not end: the context's host process ended (${end.error.message}).`)
        : end.error;
  }
}

type Seeded = Extract<DriverAnswer, { seeded: boolean }>;

/** What all replies have in common; the answer itself when there is one that counts. */
function answerOf(
  reply: Reply,
  phase: Phase,
  seedSent: boolean,
  limits: ActionLimits,
  logs: LogCollector,
): Outcome | PlatformError | { answer: Seeded; bytes: number } {
  switch (reply.type) {
    case 'timeout':
      return timeout(phase, limits);
    case 'aborted':
      return new PlatformError('aborted', 'the invocation was aborted');
    case 'ended':
      return ended(reply.end, phase, logs);
    case 'too-long':
      // Whether the seed was taken stood in the part that is gone.
      return phase === 'run' ? tooLong(reply.bytes, limits, !seedSent) : developerError(EXITED.init);
    case 'answer': {
      const { answer, bytes } = reply;
      if (answer === undefined || answer.op === 'booted') {
        return developerError(EXITED[phase]);
      }
      if (seedSent && !answer.seeded) {
        return platformFailure('The unikernel context did not confirm its new random seed.');
      }
      return { answer, bytes };
    }
  }
}

/** Undefined when the code is loaded. A PlatformError: the platform failed, or gave up for the caller. */
export function initOutcome(
  reply: Reply,
  limits: ActionLimits,
  logs: LogCollector,
): Outcome | PlatformError | undefined {
  const outcome = answerOf(reply, 'init', true, limits, logs);
  if (!('answer' in outcome)) {
    return outcome;
  }
  switch (outcome.answer.op) {
    case 'ready':
      return undefined;
    case 'failed':
      return developerError(outcome.answer.error);
    default:
      return developerError(EXITED.init);
  }
}

/** `id` is the run's: an answer to anything else is none. */
export function runOutcome(
  reply: Reply,
  id: number,
  seedSent: boolean,
  limits: ActionLimits,
  logs: LogCollector,
): Outcome | PlatformError {
  const outcome = answerOf(reply, 'run', seedSent, limits, logs);
  return 'answer' in outcome ? resultOutcome(outcome.answer, outcome.bytes, id, limits) : outcome;
}

/**
 * For a run that is to park.
 * @param mayAnswer it may also end without
 */
export function parkOutcome(
  reply: Reply,
  id: number,
  mayAnswer: boolean,
  limits: ActionLimits,
  logs: LogCollector,
): Parked | Outcome | PlatformError {
  const outcome = answerOf(reply, 'run', true, limits, logs);
  if (!('answer' in outcome)) {
    return outcome;
  }
  const { answer, bytes } = outcome;
  if (answer.op === 'parked' && answer.id === id) {
    return { observed: answer.observed };
  }
  return mayAnswer ? resultOutcome(answer, bytes, id, limits) : developerError(EXITED.run);
}

function resultOutcome(answer: Seeded, bytes: number, id: number, limits: ActionLimits): Outcome {
  if (answer.op !== 'result' || answer.id !== id) {
    return developerError(EXITED.run);
  }
  if (bytes > limits.resultBytes) {
    const valueBytes = utf8Bytes(answer.value);
    if (valueBytes > limits.resultBytes) {
      return tooLong(valueBytes, limits, !answer.ending);
    }
  }
  const { status, value: result, tooDeep: isTooDeep, checkpoint, ending } = answer;
  const reusable = !ending;
  if (isTooDeep) {
    return tooDeep(reusable);
  }
  switch (status) {
    case 'ok':
      return { status: 'success', result, reusable, timedOut: false, checkpoint };
    case 'application_error':
      return { status: 'application error', result, reusable, timedOut: false, checkpoint };
    case 'developer_error':
      return { status: 'action developer error', result, reusable: false, timedOut: false, checkpoint };
  }
}
