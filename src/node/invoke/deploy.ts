import { type Snapshot, SnapshotHold } from '../../snapshot/snapshot.ts';
import type { Reply } from '../../uc/exchange.ts';
import { type FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { NodeParts } from './parts.ts';
import type { Place } from './place.ts';

/** Attempts while idle UCs give way. */
const ATTEMPTS = 4;

/** A UC that runs, with a message on its way to it, or half-way through one; its answer comes later. */
export interface Deployed {
  readonly uc: FunctionUc;
  readonly deployMs: number;
  readonly reply: Promise<Reply>;
}

/**
 * Deploys a snapshot into a new UC of a function, at this place. `first` is called at once, so that
 * the message that it sends is there when the UC looks for it. Only a deploy that the host refused
 * for lack of room is tried again: nothing has run then.
 */
export async function deploySnapshot(
  { cores, owner, account, budget, sharing, snapshots }: NodeParts,
  place: Place,
  snapshot: Snapshot,
  record: FunctionRecord,
  memoryBytes: number,
  first: (uc: FunctionUc) => Promise<Reply>,
): Promise<Deployed> {
  const { core } = place;
  const hold = new SnapshotHold(snapshot);
  try {
    for (let attempt = 1; ; attempt++) {
      const uc = new FunctionUc(cores.nextUc(), core, owner, record);
      uc.origin = snapshot;
      if (record.trace !== undefined) {
        uc.traceCalls();
      }
      account.update(uc);
      place.uc = uc;
      const started = core.tender.deploy(uc.id, uc, snapshot.number, memoryBytes, uc.isTraced);
      const reply = first(uc);
      try {
        const deployMs = (await started).deployNs / 1e6;
        snapshot.deploys += 1;
        return { uc, deployMs, reply };
      } catch (error) {
        uc.fail(error);
        place.uc = undefined;
        if (sharing.isMissing(core, error)) {
          await sharing.provide(core, snapshot);
        } else if (attempt === ATTEMPTS || !(await budget.relieve(error))) {
          throw error;
        }
      }
    }
  } finally {
    hold[Symbol.dispose]();
    snapshots.settle(snapshot);
  }
}
