import type { JsonObject, JsonText, JsonValue } from '../json/json-text.ts';

/** Arguments of a function. A text reaches it to the digit, what JavaScript has as it prints it. */
export type Arguments = JsonText | JsonValue;

/** The same, of an object. */
export type ObjectArguments = JsonText | JsonObject;

/**
 * What an invocation starts from, by the operator's choice. `reuse`: a UC that has served others,
 * so that state survives as in OpenWhisk and Lambda. `reset`: one that was put back to its
 * snapshot. `fresh`: a new one.
 */
export const STARTS_FROM = ['reuse', 'reset', 'fresh'] as const;

export type StartsFrom = (typeof STARTS_FROM)[number];

/** The operator's choices for one action, from its annotation `seuss`. */
export interface ActionPolicy {
  readonly startsFrom: StartsFrom;
  /** Fixed arguments, an object for each argument snapshot that is wanted. */
  readonly specialize: readonly ObjectArguments[];
  /** Runs that do no harm outside of the UC: the function is recaptured after them. */
  readonly warmup?: Warmup | undefined;
}

export interface Warmup {
  readonly args: ObjectArguments;
  readonly runs: number;
}

export const DEFAULT_POLICY: ActionPolicy = { startsFrom: 'reuse', specialize: [] };

/** A function's code, ready for a UC. Made by `src/action`. */
export type ActionCode =
  /** One source file, handed to the driver in its `init` message. */
  | { readonly type: 'source'; readonly source: string; readonly filename: string }

  /** An EROFS image of the function's folder, mounted at /action. */
  | { readonly type: 'image'; readonly imagePath: string };

export interface ActionLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly logBytes: number;
  readonly resultBytes: number;
}

/** OpenWhisk's defaults: 60 s, 256 MiB, 10 MiB of logs, 1 MiB of result (its reference.md). */
export const DEFAULT_LIMITS: ActionLimits = {
  timeoutMs: 60_000,
  memoryBytes: 256 * 1024 * 1024,
  logBytes: 10 * 1024 * 1024,
  resultBytes: 1024 * 1024,
};

export interface Action {
  /** Fully qualified: `namespace/name`. */
  readonly name: string;
  /** Changes with every update of the action. */
  readonly version: string;
  /** Resolved kind, e.g. `nodejs:24`; never `…:default`. */
  readonly kind: string;
  /** Exported entry point, e.g. `main`. */
  readonly main: string;
  readonly code: ActionCode;
  /** Environment set before the code is loaded (init parameters). */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ActionLimits;
  readonly policy: ActionPolicy;
  /** SHA-256 over everything that a function snapshot depends on: the snapshot's key. */
  readonly digest: string;
}
