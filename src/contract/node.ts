import type { Action, Arguments } from './action.ts';
import type { Activation, InvokeOptions, RunningActivation } from './activation.ts';
import type { PlatformError } from './errors.ts';
import type { HalfwayPointInfo, SnapshotDetails, SnapshotDiff, SnapshotInfo } from './snapshot.ts';

export interface UcMemory {
  /** It has no process: its remains count as private. */
  readonly demoted: boolean;
  readonly privateBytes: number;
  readonly sharedBytes: number;
  readonly pageTableBytes: number;
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
  /**
   * Ended so far, since they went on working after their answer. Not by invocations, which find
   * another one.
   */
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

/** Runs functions. */
export interface FunctionRunner {
  invoke(action: Action, params: Arguments, options?: InvokeOptions): Promise<Activation>;
  /** Forget an action's idle UCs and snapshot (it was updated or deleted). */
  forget(action: Action): Promise<void>;
  /** Argument snapshots of an action, deepest first: those that it declares, and that of its checkpoint(). */
  halfwayPoints(action: Action): HalfwayPointInfo[];
}

/** Looks at what runs and at what is kept of it. */
export interface SnapshotControl {
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
  /**
   * @throws PlatformError `unknown_snapshot`, `snapshot_pinned` (a runtime's), `snapshot_in_use`
   *   (others are made of it)
   */
  dropSnapshot(snapshotId: string): Promise<void>;
}

/** Measures the node, and does at once what it does by itself in time. */
export interface NodeProbe {
  stats(): NodeStats;
  /** Drop idle UCs of an action but keep its snapshot, so that the next start is warm. */
  dropIdle(action: Action): Promise<void>;
  /** Take the processes of an action's idle UCs away now, as time does; how many have none then. */
  demoteIdle(action: Action): Promise<number>;
  /**
   * Capture the function again now, as the node does by itself once its code is compiled: an idle
   * UC of it, or, where the policy has a warmup, a UC that has run that. The new snapshot takes
   * the old one's place; when the node does it by itself, only if first runs are quicker then.
   * False when there was nothing to capture.
   * @throws PlatformError `warmup_failed`
   */
  recapture(action: Action): Promise<boolean>;
  /**
   * Memory of an idle UC of the action, by the kernel's accounting; a demoted one only if no other
   * is there.
   */
  idleMemory(action: Action): Promise<UcMemory>;
}

/** The node as the API and the command line see it; `src/node/compute-node.ts` implements it. */
export interface ComputeNode extends FunctionRunner, SnapshotControl, NodeProbe {
  /** Why the node can run nothing at present; undefined when all is well. */
  fault(): PlatformError | undefined;
  /** Resolves, with the reason, when the node cannot be mended: it only can be closed then. */
  readonly failed: Promise<PlatformError>;
  close(): Promise<void>;
}
