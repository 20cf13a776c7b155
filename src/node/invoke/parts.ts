import type { Action } from '../../contract/action.ts';
import type { ActivationTimings, StartPath } from '../../contract/activation.ts';
import type { Cores } from '../../cores/cores.ts';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import type { UcOwner } from '../../uc/uc.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { RunningInvocations } from '../function/running.ts';
import type { MemoryAccount } from '../idle/memory-account.ts';
import type { MemoryBudget } from '../idle/memory-budget.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Places } from './place.ts';
import type { Sharing } from './sharing.ts';

/** Hears of runs and captures: what is worth another look is its decision. */
interface RunObserver {
  /** The function has its snapshot. */
  captured(record: FunctionRecord, action: Action): void;
  /**
   * A run has ended, and its UC goes on.
   * @param args as JSON
   */
  note(uc: FunctionUc, action: Action, args: string, path: StartPath, runMs: number): void;
}

/** What invocations need of the node. */
export interface NodeParts {
  readonly cores: Cores;
  readonly dispatcher: Dispatcher;
  readonly snapshots: SnapshotCache;
  readonly account: MemoryAccount;
  readonly budget: MemoryBudget;
  readonly sharing: Sharing;
  readonly invocations: RunningInvocations;
  readonly owner: UcOwner;
  /** Invocations so far. */
  readonly counts: Record<StartPath, number>;
  readonly recapturer: RunObserver;
  /** Where UCs work at present. */
  readonly places: Places;
  /** Kills the function's idle UCs and does not wait for it. */
  discardIdle(record: FunctionRecord): void;
}

export type Timings = { -readonly [Key in keyof ActivationTimings]: ActivationTimings[Key] };
