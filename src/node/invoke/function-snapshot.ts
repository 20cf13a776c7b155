import type { Action } from '../../contract/action.ts';
import { type Snapshot, snapshotOf } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { type FunctionRecord, functionSnapshotId, imagePathsOf } from '../function/function-record.ts';
import type { NodeParts } from './parts.ts';

/**
 * The first cold start of a function has brought its snapshot, which saves `savedMs`; others may
 * wait for it.
 */
export function keepFunctionSnapshot(
  node: NodeParts,
  record: FunctionRecord,
  action: Action,
  number: number,
  captured: Captured,
  savedMs: number,
): void {
  const { cores, dispatcher, snapshots, budget } = node;
  const snapshot: Snapshot = snapshotOf({
    number,
    id: functionSnapshotId(record),
    kind: 'function',
    parent: record.runtime.snapshot,
    of: record.name,
    digest: record.digest,
    captured,
    imagePaths: imagePathsOf(record, action),
    savedMs,
    evicted: () => {
      if (record.snapshot === snapshot) {
        record.snapshot = undefined;
      }
    },
  });
  // Two cold starts may have been under way, of which none led.
  if (record.forgotten || record.snapshot !== undefined) {
    dispatcher.coldDone(record, record.forgotten ? undefined : record.snapshot);
    cores.drop(snapshot).catch(() => undefined);
    return;
  }
  snapshots.add(snapshot);
  dispatcher.coldDone(record, snapshot);
  node.recapturer.captured(record, action);
  budget.enforce();
}
