/**
 * What the outside of the node (API, command line, benchmarks) and its inside agree on.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** The deepest starting point that an invocation found: cold, warm and hot path, or an argument snapshot. */
export type StartPath = 'cold' | 'warm' | 'argument' | 'hot';

/**
 * What an invocation starts from, by the operator's choice. `reuse`: a UC that has served others, so that state
 * survives as in OpenWhisk and Lambda. `reset`: one that was put back to its snapshot. `fresh`: a new one.
 */
export const START_STATES = ['reuse', 'reset', 'fresh'] as const;
export type StartState = (typeof START_STATES)[number];

/** The operator's choices for one action, from its annotation `seuss`. */
export interface ActionPolicy {
  readonly state: StartState;
  /** Fixed arguments, an object for each argument snapshot that is wanted. */
  readonly specialize: readonly JsonObject[];
  /** Runs that do no harm outside of the UC: the function's snapshot is taken again after them. */
  readonly warmup?: Warmup | undefined;
}

export interface Warmup {
  readonly args: JsonObject;
  readonly runs: number;
}

export const DEFAULT_POLICY: ActionPolicy = { state: 'reuse', specialize: [] };

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

/** OpenWhisk's defaults: 60 s, 256 MiB, 10 MiB of logs, 1 MiB of result (docs/reference.md there). */
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

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
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
  /** From the run message to its result. */
  readonly runMs: number;
  /** From `invoke` to its answer. */
  readonly totalMs: number;
}

export interface Activation {
  readonly status: ActivationStatus;
  /** The function's result, or `{error: …}`. */
  readonly result: JsonValue;
  readonly path: StartPath;
  readonly timings: ActivationTimings;
  readonly logs: readonly LogLine[];
  /** True when the time limit ended it. */
  readonly timedOut: boolean;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface InvokeOptions {
  /** `__OW_*` variables of this activation. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ComputeNodeOptions {
  /** Cores to run UCs on; default: all. */
  readonly cores?: number;
  /**
   * Binds the calling thread to the first core, which halves the time of a hot start: waking a sleeping
   * core costs more than the start itself. For processes whose main job is the node (default false).
   */
  readonly bindThread?: boolean;
  /** Budget of real bytes for idle UCs and snapshots. */
  readonly memoryBytes?: number;
  /** Kinds to boot at start; others boot on first use. */
  readonly preboot?: readonly string[];
  /** Anticipatory optimisation before the runtime capture (default true). */
  readonly anticipate?: boolean;
  /** Progress of long steps, one sentence each. */
  readonly onProgress?: (message: string) => void;
}

export interface UcMemory {
  /** It has no process: what is kept of it counts as private. */
  readonly demoted: boolean;
  readonly privateBytes: number;
  readonly sharedBytes: number;
  readonly pageTableBytes: number;
}

/** Levels of the lineage. `capture`: of a running invocation, on demand. */
export type SnapshotKind = 'runtime' | 'function' | 'argument' | 'capture';

export interface SnapshotInfo {
  readonly id: string;
  readonly kind: SnapshotKind;
  readonly parent: string | null;
  /** Runtime kind or action name. */
  readonly of: string;
  /** Memory that goes when it is dropped. */
  readonly ownBytes: number;
  readonly ownPages: number;
  readonly sharedPages: number;
  readonly maps: number;
  readonly deploys: number;
  readonly createdMs: number;
  /** Of an argument snapshot: the arguments that it fixes. */
  readonly fixed?: JsonObject;
  /** Taken again after runs, when the function's code was compiled. */
  readonly warmed?: boolean;
}

/** A place half-way through a function's run where invocations start, or would. */
export interface SpecializationInfo {
  /** The arguments that it fixes; none for the function's own checkpoint(), which any object matches. */
  readonly fixed: JsonObject;
  readonly origin: 'declared' | 'checkpoint';
  /** `none`: the next invocation that matches brings the snapshot. `failed`: none will. */
  readonly state: 'none' | 'starting' | 'ready' | 'failed';
  readonly snapshot: string | null;
  /** Why there is no snapshot, after a try. */
  readonly reason?: string;
  /** What the run used before the capture that may differ from run to run, like `time: Date.now`. */
  readonly observed: readonly string[];
}

export interface NodeStats {
  readonly idleUcs: number;
  /** Idle ones that have no process. */
  readonly demotedUcs: number;
  readonly busyUcs: number;
  readonly queued: number;
  readonly cold: number;
  readonly warm: number;
  readonly argument: number;
  readonly hot: number;
  readonly snapshots: readonly SnapshotInfo[];
}

/** Thrown for errors of the platform; errors of a function are activations. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  /** Stable, documented code, e.g. `unknown_kind`, `overloaded`, `closed`. */
  readonly code: string;
  /** What the user can do. */
  readonly remedy: string | undefined;

  constructor(code: string, message: string, options?: { remedy?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options?.remedy;
  }
}

/** The node as the API and the command line see it; `src/node/compute-node.ts` implements it. */
export interface ComputeNode {
  invoke(action: Action, params: JsonValue, options?: InvokeOptions): Promise<Activation>;
  /** Forget an action's idle UCs and snapshot (it was updated or deleted). */
  forget(action: Action): Promise<void>;
  /** Drop idle UCs of an action but keep its snapshot, so that the next start is warm. */
  dropIdle(action: Action): Promise<void>;
  /** Take the processes of an action's idle UCs away now, as time does; how many have none then. */
  demoteIdle(action: Action): Promise<number>;
  stats(): NodeStats;
  /** Argument snapshots of an action; none before its first invocation. */
  specializations(action: Action): SpecializationInfo[];
  /** Memory of an idle UC of the action, by the kernel's accounting; a demoted one only if no other is there. */
  idleMemory(action: Action): Promise<UcMemory>;
  close(): Promise<void>;
}
