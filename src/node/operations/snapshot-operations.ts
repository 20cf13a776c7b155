import type { Activation, InvokeOptions } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import type { SnapshotDetails, SnapshotDiff, SnapshotInfo } from '../../contract/snapshot.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { snapshotInfo } from '../../snapshot/snapshot.ts';
import { Inspector } from '../../symbols/inspector.ts';
import type { Persistence } from '../background/persistence.ts';
import type { FunctionRecord } from '../function/function-record.ts';
import type { NodeParts } from '../invoke/parts.ts';
import { LiveCaptures } from './live-capture.ts';
import { resumeRun } from './resumption.ts';
import { diffSnapshots, inspectSnapshot } from './snapshot-details.ts';

/** What an operator can do with snapshots, which have ids for that. */
export class SnapshotOperations {
  readonly #node: NodeParts;
  readonly #persistence: Persistence;
  readonly #captures = new LiveCaptures();
  readonly #inspector = new Inspector();

  constructor(node: NodeParts, persistence: Persistence) {
    this.#node = node;
    this.#persistence = persistence;
  }

  async capture(activationId: string): Promise<SnapshotInfo> {
    const invocation = this.#node.invocations.get(activationId);
    if (invocation === undefined) {
      throw new PlatformError('unknown_activation', `no activation ${activationId} is running`);
    }
    return snapshotInfo(await this.#captures.capture(this.#node, invocation), false);
  }

  async resume(id: string, options: InvokeOptions): Promise<Activation> {
    const snapshot = this.#find(id);
    const continuation = this.#captures.get(snapshot);
    if (continuation === undefined) {
      throw new PlatformError(
        'not_resumable',
        `snapshot ${id} of ${snapshot.of} holds no run that could go on`,
        {
          remedy: 'only snapshots of running activations are resumed; others start invocations by themselves',
        },
      );
    }
    return await resumeRun(this.#node, snapshot, continuation, options);
  }

  async inspect(id: string): Promise<SnapshotDetails> {
    const snapshot = this.#find(id);
    const stored = this.#persistence.isStored(snapshot);
    const { tender } = await this.#node.cores.complete();
    return await inspectSnapshot(tender, this.#inspector, snapshot, stored);
  }

  async diff(a: string, b: string): Promise<SnapshotDiff> {
    const { tender } = await this.#node.cores.complete();
    return await diffSnapshots(tender, this.#inspector, this.#find(a), this.#find(b));
  }

  async drop(id: string): Promise<void> {
    const snapshot = this.#find(id);
    if (snapshot.kind === 'runtime') {
      throw new PlatformError('snapshot_pinned', `snapshot ${id} is the runtime ${snapshot.of}, which stays`);
    }
    if (snapshot.deploying > 0) {
      throw new PlatformError('snapshot_in_use', `snapshot ${id} of ${snapshot.of} is being deployed`, {
        remedy: 'try again',
      });
    }
    if (this.#node.snapshots.isParent(snapshot)) {
      throw new PlatformError('snapshot_in_use', `other snapshots are made of ${id} of ${snapshot.of}`, {
        remedy: 'drop those first',
      });
    }
    await this.#discard(snapshot);
  }

  /** The action was updated or deleted: its captured runs go with it. */
  async forget(record: FunctionRecord): Promise<void> {
    await Promise.all(this.#captures.of(record).map((snapshot) => this.#discard(snapshot)));
  }

  async #discard(snapshot: Snapshot): Promise<void> {
    this.#node.snapshots.remove(snapshot);
    snapshot.evicted?.();
    await this.#persistence.drop(snapshot);
    await this.#node.cores.drop(snapshot);
  }

  #find(id: string): Snapshot {
    for (const snapshot of this.#node.snapshots) {
      if (snapshot.id === id) {
        return snapshot;
      }
    }
    throw new PlatformError('unknown_snapshot', `there is no snapshot ${id}`);
  }
}
