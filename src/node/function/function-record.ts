import type { Action, StartsFrom } from '../../contract/action.ts';
import type { TraceOptions } from '../../contract/options.ts';
import type { Core } from '../../cores/cores.ts';
import { type Snapshot, snapshotId } from '../../snapshot/snapshot.ts';
import { Uc, type UcOwner } from '../../uc/uc.ts';
import { CaptureAttempts } from './capture-attempts.ts';
import { type Charge, SMALL_BYTES } from './charge.ts';
import { declaredHalfwayPoints, type HalfwayPoint } from './halfway.ts';
import type { Runtime } from './runtime.ts';
import type { Ticket } from './start.ts';

/** What the node knows about one version of one action. */
export interface FunctionRecord {
  readonly digest: string;
  readonly name: string;
  readonly runtime: Runtime;
  /** What its invocations start from. */
  readonly startsFrom: StartsFrom;
  /** Where the system calls of its activations are to go. */
  readonly trace: TraceOptions | undefined;
  snapshot: Snapshot | undefined;
  cold: ColdState;
  /** Its UCs were not to be captured lately: whether one is tried again. */
  readonly attempts: CaptureAttempts;
  /** Argument snapshots, deepest first. */
  readonly halfwayPoints: HalfwayPoint[];
  /** Idle UCs that have a process, last used last. */
  readonly idle: FunctionUc[];
  /** Those that have none, demoted last last. */
  readonly demoted: FunctionUc[];
  /** Each of a UC that is being put back to the snapshot; it never rejects. */
  readonly resets: Set<Promise<void>>;
  /** How many of these come free before a new one could be deployed. */
  resetting: number;
  /** Invocations that wait for a UC to come free, or for a start. */
  readonly waiting: Ticket[];
  /** Demotions refused since the last one that worked. */
  refusals: number;
  /** False when its UCs are known to refuse. */
  demotable: boolean;
  /** Real bytes of one idle UC with a process: an assumption until it is measured. */
  idleBytes: number;
  measured: boolean;
  /** Bytes that a UC of it is expected to take while it runs. */
  expectedBytes: number;
  /** A run of it has ended: what is expected is no guess. */
  isKnown: boolean;
  /** The action was updated or deleted: nothing of it is kept. */
  forgotten: boolean;
}

/**
 * `starting`: a cold start that will bring the snapshot is under way, others wait for it.
 * `failed`: the last one brought none; nobody waits for another.
 */
type ColdState = 'none' | 'starting' | 'failed';

/** Page tables, kernel objects and dirty pages of an idle UC, before one of the function was measured. */
const ASSUMED_IDLE_BYTES = 400 * 1024;
/**
 * Process, memory map, credentials and link of a parked UC in the kernel, which no per-process file
 * counts.
 */
export const UC_KERNEL_BYTES = 56 * 1024;
/** A UC of which the tender has told nothing takes less, by far or by a little. */
export const UNTOLD_BYTES = 1024 * 1024;

export function functionRecord(action: Action, runtime: Runtime, trace?: TraceOptions): FunctionRecord {
  return {
    digest: action.digest,
    name: action.name,
    runtime,
    startsFrom: action.policy.startsFrom,
    trace: trace?.actions.includes(action.name) ? trace : undefined,
    snapshot: undefined,
    cold: 'none',
    attempts: new CaptureAttempts(),
    halfwayPoints: declaredHalfwayPoints(action.policy.specialize),
    idle: [],
    demoted: [],
    resets: new Set(),
    resetting: 0,
    waiting: [],
    refusals: 0,
    demotable: true,
    idleBytes: ASSUMED_IDLE_BYTES,
    measured: false,
    expectedBytes: SMALL_BYTES,
    isKnown: false,
    forgotten: false,
  };
}

/** Id of its snapshot, whether there is one or not. */
export function functionSnapshotId({ runtime, digest }: FunctionRecord): string {
  return snapshotId([runtime.snapshot.id, digest]);
}

/** Files of this host behind the image windows of the function's UCs. */
export function imagePathsOf({ runtime }: FunctionRecord, { code }: Action): readonly string[] {
  const root = runtime.snapshot.imagePaths ?? [];
  return code.type === 'image' ? [...root, code.imagePath] : root;
}

/** The function's snapshots, children first. Invocations that wait still do not start from them. */
export function takeSnapshots(record: FunctionRecord): Snapshot[] {
  return [...record.halfwayPoints, record].flatMap((holder) => {
    const { snapshot } = holder;
    holder.snapshot = undefined;
    return snapshot === undefined ? [] : [snapshot];
  });
}

/** A UC that holds a function, or is about to. */
export class FunctionUc extends Uc {
  readonly core: Core;
  readonly record: FunctionRecord;
  /** The snapshot that it was deployed from. */
  origin: Snapshot | undefined;
  /** It waits for its next invocation; else it serves one. */
  isIdle = false;
  /** Its run began half-way, or was captured there: the function's other invocations have no use for it. */
  halfway = false;
  /** It is idle and has no process, or is about to lose it. */
  demoted = false;
  /** Then: real bytes of its remains. */
  remainsBytes = 0;
  idleSinceMs = 0;
  /** It was killed, and its process is not gone yet. */
  ending = false;
  /** What its tender said last that it takes, if that was a megabyte or more. */
  toldBytes: number | undefined;
  /** Since it began to run: the most that it took, and what it was expected to take. */
  peakBytes = 0;
  admittedBytes = 0;
  /** Until it is captured, which copies its memory unless that is more. */
  copyMaxBytes = 0;
  charge: Charge | undefined;
  #resetMs: number | undefined;

  constructor(id: number, core: Core, owner: UcOwner, record: FunctionRecord) {
    super(id, core.tender, owner);
    this.core = core;
    this.record = record;
  }

  /** Real bytes that it takes, as far as known, with the copy that is about to be made. */
  get bytes(): number {
    if (this.demoted) {
      return this.remainsBytes;
    }
    const own = this.toldBytes === undefined ? this.record.idleBytes : this.toldBytes + UC_KERNEL_BYTES;
    return own <= this.copyMaxBytes ? own * 2 : own;
  }

  /** Puts it back to what it was deployed from. After an error it is of no more use. */
  async reset(): Promise<void> {
    const { deployNs } = await this.tender.reset(this.id);
    this.forgetOutput();
    this.#resetMs = deployNs / 1e6;
  }

  /** Milliseconds that its reset took, if it was reset and has served nobody since; told once. */
  takeReset(): number | undefined {
    const resetMs = this.#resetMs;
    this.#resetMs = undefined;
    return resetMs;
  }
}
