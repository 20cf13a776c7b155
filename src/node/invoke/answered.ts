import type {
  Activation,
  ActivationLogs,
  ActivationStatus,
  ActivationTimings,
  LogLine,
  StartPath,
} from '../../contract/activation.ts';
import type { JsonText, JsonValue } from '../../json/json-text.ts';
import type { Outcome } from './outcome.ts';

/**
 * What an invocation came to. Its result and its log lines are made out of what is kept only for
 * who looks at them.
 */
export class AnsweredActivation implements Activation {
  readonly status: ActivationStatus;
  readonly resultText: JsonText;
  readonly path: StartPath;
  readonly timings: ActivationTimings;
  readonly log: ActivationLogs;
  readonly timedOut: boolean;
  readonly startMs: number;
  readonly endMs = Date.now();

  constructor(
    { status, result, timedOut }: Pick<Outcome, 'status' | 'result' | 'timedOut'>,
    path: StartPath,
    timings: ActivationTimings,
    log: ActivationLogs,
    startMs: number,
  ) {
    this.status = status;
    this.resultText = result;
    this.path = path;
    this.timings = timings;
    this.log = log;
    this.timedOut = timedOut;
    this.startMs = startMs;
  }

  get result(): JsonValue {
    return this.resultText.value();
  }

  get logs(): readonly LogLine[] {
    return this.log.lines();
  }
}
