import type { PlatformError } from '../../contract/errors.ts';
import type { Core } from '../../cores/cores.ts';
import type { SnapshotHold } from '../../snapshot/snapshot.ts';
import type { Apart } from './charge.ts';
import type { FunctionRecord, FunctionUc } from './function-record.ts';
import type { HalfwayPoint } from './halfway.ts';

/** Where an invocation starts from: the deepest point that there was. */
export type Start =
  /** `promote`: it has no process. */
  | { readonly path: 'hot'; readonly uc: FunctionUc; readonly promote: boolean }
  /**
   * `leadsTo`: it is to bring the argument snapshot of that on its way. `hold` ends when the deploy, which
   * has its own, has begun.
   */
  | (Deploy & {
      readonly path: 'warm';
      readonly hold: SnapshotHold;
      readonly leadsTo: HalfwayPoint | undefined;
    })
  | (Deploy & { readonly path: 'argument'; readonly hold: SnapshotHold })
  /** `leads`: others wait for the function snapshot that it is to bring. */
  | (Deploy & { readonly path: 'cold'; readonly leads: boolean });

/** A new UC. */
interface Deploy {
  readonly core: Core;
  /** Undefined where memory is not counted. */
  readonly apart: Apart | undefined;
}

/** An invocation that waits. */
export interface Ticket {
  readonly record: FunctionRecord;
  /** The half-way point that it matches. */
  readonly halfway: HalfwayPoint | undefined;
  readonly resolve: (start: Start) => void;
  readonly reject: (error: PlatformError) => void;
}
