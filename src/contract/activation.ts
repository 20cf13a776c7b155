import type { JsonText, JsonValue } from '../json/json-text.ts';

/** The deepest starting point that an invocation found: cold, warm and hot path, or an argument snapshot. */
export type StartPath = 'cold' | 'warm' | 'argument' | 'hot';

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** The log lines of one activation, kept as what they take. */
export interface ActivationLogs {
  /** Of memory. */
  readonly bytes: number;
  /** One that the function wrote after its answer. */
  append(line: LogLine): void;
  lines(): LogLine[];
  /** OpenWhisk's list of log lines: time padded to 30 characters, stream, text. */
  document(): JsonText;
  /** The same without its brackets, in pieces that are soon made. */
  pieces(): Iterable<string>;
}

/** OpenWhisk's four outcomes (ActivationResult). */
export type ActivationStatus =
  | 'success'
  | 'application error'
  | 'action developer error'
  | 'whisk internal error';

/** Milliseconds; a part that the path did not take is absent. */
export interface ActivationTimings {
  /** From `invoke` to a UC being chosen (queueing included). */
  readonly waitMs: number;
  /** Deploy of a snapshot into a new UC, or of a demoted UC (hot path). */
  readonly deployMs?: number;
  /** Import and compile of the function's code (cold path). */
  readonly initMs?: number;
  /** Capture of the function's snapshot, when it was on the path. */
  readonly captureMs?: number;
  /** Reset of the UC before this invocation, on nobody's time: no part of `totalMs` (hot path). */
  readonly resetMs?: number;
  /** From the run message to its result. */
  readonly runMs: number;
  /** From `invoke` to its answer. */
  readonly totalMs: number;
}

export interface Activation {
  readonly status: ActivationStatus;
  /** The function's result, or `{error: …}`, as it was sent: an object or an array. */
  readonly resultText: JsonText;
  /** The same as JavaScript sees it; made when it is looked at. */
  readonly result: JsonValue;
  readonly path: StartPath;
  readonly timings: ActivationTimings;
  readonly log: ActivationLogs;
  /** Its lines; made when they are looked at. */
  readonly logs: readonly LogLine[];
  /** True when the time limit ended it. */
  readonly timedOut: boolean;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface InvokeOptions {
  /** Names the activation while it runs, for `running` and `capture`; no other that runs may have it. */
  readonly id?: string;
  /** `__OW_*` variables of this activation. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /**
   * Hears what the function writes after its answer, line by line; it may come before the
   * activation does.
   */
  readonly onLateLog?: (line: LogLine) => void;
}

/** An activation with an id that has not been answered yet. */
export interface RunningActivation {
  readonly id: string;
  /** Name of the action. */
  readonly of: string;
  /** `waiting` for a start, `starting` (deploy, import of its code), `running`. */
  readonly phase: 'waiting' | 'starting' | 'running';
  /** Null while it waits. */
  readonly path: StartPath | null;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}
