import type { JsonObject, JsonText, JsonValue } from '../json/json-text.ts';

/**
 * What the outside of the node (API, command line, benchmarks) and its inside agree on.
 */

export type { JsonObject, JsonValue } from '../json/json-text.ts';

/** Arguments of a function. A text reaches it to the digit, what JavaScript has as it prints it. */
export type Arguments = JsonText | JsonValue;
/** The same, of an object. */
export type ObjectArguments = JsonText | JsonObject;

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
  readonly specialize: readonly ObjectArguments[];
  /** Runs that do no harm outside of the UC: the function's snapshot is taken again after them. */
  readonly warmup?: Warmup | undefined;
}

export interface Warmup {
  readonly args: ObjectArguments;
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
  /** Hears what the function writes after its answer, line by line; it may come before the activation does. */
  readonly onLateLog?: (line: LogLine) => void;
}

export interface StoreOptions {
  /** Folder that one node at a time uses. */
  readonly dir: string;
  /** Bytes that page files may take; beyond it the longest unused snapshots go (default 16 GiB). */
  readonly maxBytes?: number;
  /** Hears what was wrong with the store or with what was in it, one sentence each. */
  readonly onReport?: (level: 'info' | 'warn', message: string) => void;
}

export interface ComputeNodeOptions {
  /** Cores to run UCs on; default: all. */
  readonly cores?: number;
  /**
   * Binds the calling thread to the first core, which halves the time of a hot start: waking a sleeping
   * core costs more than the start itself. For processes whose main job is the node (default false).
   */
  readonly bindThread?: boolean;
  /** Budget of real bytes for UCs, running and idle, and snapshots. */
  readonly memoryBytes?: number;
  /** Kinds to boot at start; others boot on first use. */
  readonly preboot?: readonly string[];
  /** Keeps snapshots on disk, so that a later node starts from them; by default they end with the process. */
  readonly store?: StoreOptions;
  /**
   * Anticipatory optimisation before the runtime capture (default true): what functions would all do first. Single
   * items can be left out; those that a runtime does not have are ignored there. They are listed in
   * drivers/LANGUAGE/anticipations.json.
   */
  readonly anticipate?: boolean | { readonly except: readonly string[] };
  /** Optimisations to leave out, to measure what they bring or to look for a fault (default: none). */
  readonly without?: readonly Optimisation[];
  /** Hears what failed and was mended: a tender that died, say; one sentence each. */
  readonly onFault?: (message: string) => void;
  /** Progress of long steps, one sentence each. */
  readonly onProgress?: (message: string) => void;
  /** Hears what of the host makes the node less safe than it could be. */
  readonly onWarning?: (message: string) => void;
}

export interface UcMemory {
  /** It has no process: what is kept of it counts as private. */
  readonly demoted: boolean;
  readonly privateBytes: number;
  readonly sharedBytes: number;
  readonly pageTableBytes: number;
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
  /** It is kept as the words that differ from its parent. */
  readonly compact: boolean;
  readonly ownPages: number;
  readonly sharedPages: number;
  readonly maps: number;
  /** It is in the snapshot store too. */
  readonly stored: boolean;
  readonly deploys: number;
  readonly createdMs: number;
  /** Of an argument snapshot: the arguments that it fixes. */
  readonly fixed?: JsonText;
  /** Taken again after runs, when the function's code was compiled. */
  readonly warmed?: boolean;
}

/** A place half-way through a function's run where invocations start, or would. */
export interface SpecializationInfo {
  /** The arguments that it fixes; none for the function's own checkpoint(), which any object matches. */
  readonly fixed: JsonText;
  readonly origin: 'declared' | 'checkpoint';
  /** `none`: the next invocation that matches brings the snapshot. `failed`: none will. */
  readonly state: 'none' | 'starting' | 'ready' | 'failed';
  readonly snapshot: string | null;
  /** Why there is no snapshot, after a try. */
  readonly reason?: string;
  /** What the run used before the capture that may differ from run to run, like `time: Date.now`. */
  readonly observed: readonly string[];
}

/** Where code lies, and what it is called. */
export interface CodeAddress {
  readonly address: number;
  /** Like `uv__io_poll+0x1a2 (/usr/bin/node)`, `[jit]`; null when nothing is known. */
  readonly symbol: string | null;
}

export interface SnapshotMapping {
  readonly start: number;
  readonly bytes: number;
  /** As in /proc/PID/maps: `r-x`. */
  readonly access: string;
  /** File in the function's view, `own` pages, `layer N` of an ancestor, or `anonymous`. */
  readonly source: string;
  /** In the source, bytes. */
  readonly offset: number;
}

export interface SnapshotDetails extends SnapshotInfo {
  /** `words`: what differs from its parent's memory; `pages`: a layer of its own. */
  readonly form: 'pages' | 'words';
  readonly layers: number;
  readonly images: number;
  /** Of the context at the capture, nanoseconds. */
  readonly clockMonotonicNs: number;
  /** 16 hexadecimal digits each. */
  readonly registers: Readonly<Record<string, string>>;
  readonly programCounter: CodeAddress;
  /** Where the program goes on when the library OS is done; null when it was the program's turn. */
  readonly guestCounter: CodeAddress | null;
  /** By address. */
  readonly memoryMap: readonly SnapshotMapping[];
  /** The memory map is longer than is told: `maps` is its length. */
  readonly truncated: boolean;
}

/** A run of whole pages in which two snapshots differ. */
export interface SnapshotDiffRun {
  readonly start: number;
  readonly bytes: number;
  /** Mapped in one alone; other bytes; the same bytes with other protection. */
  readonly kind: 'onlyA' | 'onlyB' | 'bytes' | 'access';
  /** Of 8 bytes, that differ; 0 unless `kind` is `bytes`. */
  readonly words: number;
}

export interface SnapshotDiff {
  readonly a: string;
  readonly b: string;
  /** Pages by kind, and all words that differ. */
  readonly pages: Readonly<Record<SnapshotDiffRun['kind'], number>>;
  readonly words: number;
  /** By address. */
  readonly runs: readonly SnapshotDiffRun[];
  /** There are more runs than are told; the sums are over all. */
  readonly truncated: boolean;
}

/** The snapshot store, in numbers since its opening. */
export interface StoreStats {
  readonly dir: string;
  readonly snapshots: number;
  /** Of their page files, and how many those may be. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Snapshots that are still to be written. */
  readonly queued: number;
  readonly written: number;
  readonly restored: number;
  /** Removed because they could not be used. */
  readonly rejected: number;
  /** Why nothing can be written at present. */
  readonly failure: string | null;
}

/** What the node's budget is used for. */
export interface MemoryStats {
  readonly budgetBytes: number;
  /** UCs that run, or are about to be gone. */
  readonly runningBytes: number;
  readonly idleBytes: number;
  readonly snapshotBytes: number;
}

export interface NodeStats {
  /** How many there are, have a tender at present, and have one that knows all snapshots. */
  readonly cores: { readonly all: number; readonly up: number; readonly complete: number };
  readonly idleUcs: number;
  /** Idle ones that have no process. */
  readonly demotedUcs: number;
  /** Ended so far, since they went on working after their answer. Not by invocations, which find another one. */
  readonly restlessUcs: number;
  readonly busyUcs: number;
  readonly queued: number;
  /** Slots and contexts that were not given back, and were found and put right. */
  readonly leaks: number;
  readonly memory: MemoryStats;
  readonly cold: number;
  readonly warm: number;
  readonly argument: number;
  readonly hot: number;
  readonly snapshots: readonly SnapshotInfo[];
  /** Absent when the node has no snapshot store. */
  readonly store?: StoreStats;
}

/**
 * What makes starts faster or UCs smaller without a word in any contract. `templates`: processes that have a
 * snapshot's maps already; `working-set`: their pages fetched ahead; `unchanged`: pages that were written but are as
 * before stay out of a layer; `huge-pages`: program text in huge pages; `compaction`: snapshots kept as words; `demotion`: idle UCs without a process;
 * `recapture`: snapshots of compiled code.
 */
export const OPTIMISATIONS = [
  'templates',
  'working-set',
  'unchanged',
  'huge-pages',
  'compaction',
  'demotion',
  'recapture',
] as const;
export type Optimisation = (typeof OPTIMISATIONS)[number];

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
  invoke(action: Action, params: Arguments, options?: InvokeOptions): Promise<Activation>;
  /** Forget an action's idle UCs and snapshot (it was updated or deleted). */
  forget(action: Action): Promise<void>;
  /** Drop idle UCs of an action but keep its snapshot, so that the next start is warm. */
  dropIdle(action: Action): Promise<void>;
  /** Take the processes of an action's idle UCs away now, as time does; how many have none then. */
  demoteIdle(action: Action): Promise<number>;
  /**
   * Capture the function again now, as the node does by itself once its code is compiled: an idle UC of it, or, where the
   * policy has a warm-up, a UC that has run that. The new snapshot takes the old one's place; when the node does it
   * by itself, only if first runs are quicker then. False when there was nothing to capture.
   * @throws PlatformError `warmup_failed`
   */
  recapture(action: Action): Promise<boolean>;
  stats(): NodeStats;
  /** Argument snapshots of an action, deepest first: those that it declares, and that of its checkpoint(). */
  specializations(action: Action): SpecializationInfo[];
  /** Activations that have an id and no answer yet, in the order of their arrival. */
  running(): readonly RunningActivation[];
  /**
   * Stops a running activation wherever it is, keeps a snapshot of it, and lets it run on.
   * @throws PlatformError `unknown_activation`, `not_running`, `capture_failed`, `no_room`
   */
  capture(activationId: string): Promise<SnapshotInfo>;
  /**
   * Goes on from a snapshot that `capture` took, to the answer of the captured run; `env` does not apply.
   * @throws PlatformError `unknown_snapshot`, `not_resumable`, and what `invoke` throws
   */
  resume(snapshotId: string, options?: InvokeOptions): Promise<Activation>;
  /** @throws PlatformError `unknown_snapshot` */
  inspect(snapshotId: string): Promise<SnapshotDetails>;
  /** @throws PlatformError `unknown_snapshot` */
  diff(a: string, b: string): Promise<SnapshotDiff>;
  /** @throws PlatformError `unknown_snapshot`, `snapshot_pinned` (a runtime's), `snapshot_in_use` (others are made of it) */
  dropSnapshot(snapshotId: string): Promise<void>;
  /** Why the node can run nothing at present; undefined when all is well. */
  fault(): PlatformError | undefined;
  /** Resolves, with the reason, when the node cannot be mended: it only can be closed then. */
  readonly failed: Promise<PlatformError>;
  /** Memory of an idle UC of the action, by the kernel's accounting; a demoted one only if no other is there. */
  idleMemory(action: Action): Promise<UcMemory>;
  close(): Promise<void>;
}
