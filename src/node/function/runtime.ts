import type { Kind } from '../../runtime/language.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** A kind whose interpreter has been booted and captured. */
export interface Runtime {
  readonly kind: Kind;
  /** As the interpreter says: `v24.21.0`. */
  version: string;
  /** Another one after all tenders have died. */
  snapshot: Snapshot;
  /** Set while there is none; resolves when there is one again, or never will be. */
  coming: Promise<void> | undefined;
}
