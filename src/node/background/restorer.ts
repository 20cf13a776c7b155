import type { Action } from '../../contract/action.ts';
import type { Cores } from '../../cores/cores.ts';
import { JsonText, membersOf } from '../../json/json-text.ts';
import { imagePaths, type Snapshot } from '../../snapshot/snapshot.ts';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';
import { type FunctionRecord, functionSnapshotId, imagePathsOf } from '../function/function-record.ts';
import {
  addCheckpoint,
  argumentSnapshotId,
  findHalfwayPoint,
  type HalfwayPoint,
  leadEnded,
} from '../function/halfway.ts';
import type { MemoryBudget } from '../idle/memory-budget.ts';
import type { Dispatcher } from '../invoke/dispatcher.ts';
import type { Persistence } from './persistence.ts';

/** What it needs of the node. */
interface RestorerContext {
  readonly cores: Cores;
  readonly dispatcher: Dispatcher;
  readonly snapshots: SnapshotCache;
  readonly budget: MemoryBudget;
}

/** Brings functions' snapshots back from the store, after a restart or when memory had no room for them. */
export class Restorer {
  readonly #node: RestorerContext;
  readonly #persistence: Persistence;

  constructor(node: RestorerContext, persistence: Persistence) {
    this.#node = node;
    this.#persistence = persistence;
  }

  /**
   * An invocation is about to look for a starting point. Without an idle UC it waits for the
   * function's snapshot, as it would for the first cold start; for an argument snapshot it does not
   * wait.
   */
  prepare(record: FunctionRecord, action: Action, params: JsonText): void {
    if (record.snapshot === undefined) {
      const idle = record.idle.length + record.demoted.length > 0;
      if (!idle && record.cold === 'none' && this.#persistence.has(functionSnapshotId(record))) {
        record.cold = 'starting';
        this.#restoreFunction(record, action).catch(() => undefined);
      }
      return;
    }
    const halfway = findHalfwayPoint(record.halfwayPoints, params);
    if (halfway?.snapshot === undefined && halfway?.lead === 'none') {
      this.#restoreArgument(record, record.snapshot, halfway).catch(() => undefined);
    }
  }

  /** With the snapshots that build on it. */
  async #restoreFunction(record: FunctionRecord, action: Action): Promise<void> {
    let snapshot: Snapshot | undefined;
    try {
      const restored = await this.#restoreOnce(record, action).catch(async (error: unknown) => {
        if (!isTenderDeath(error)) {
          throw error;
        }
        await this.#node.cores.someUp();
        return await this.#restoreOnce(record, action);
      });
      snapshot = restored && (await this.#keep(record, restored.snapshot));
      if (snapshot !== undefined) {
        await this.#restoreArguments(record, snapshot);
      }
    } finally {
      this.#node.dispatcher.restoreDone(record, snapshot);
      this.#node.budget.enforce();
    }
  }

  async #restoreOnce(record: FunctionRecord, action: Action): ReturnType<Persistence['restore']> {
    await record.runtime.coming;
    const core = await this.#node.cores.complete();
    return await this.#persistence.restore(
      {
        id: functionSnapshotId(record),
        parent: record.runtime.snapshot,
        images: imagePathsOf(record, action),
        evicted: () => {
          record.snapshot = undefined;
        },
      },
      core,
    );
  }

  async #restoreArguments(record: FunctionRecord, parent: Snapshot): Promise<void> {
    const stored = this.#persistence.childrenOf(parent.id).filter(({ kind }) => kind === 'argument');
    if (stored.some(({ fixed }) => fixed === null || membersOf(JsonText.parse(fixed)).size === 0)) {
      addCheckpoint(record.halfwayPoints);
    }
    await Promise.all(record.halfwayPoints.map((halfway) => this.#restoreArgument(record, parent, halfway)));
  }

  async #restoreArgument(record: FunctionRecord, parent: Snapshot, halfway: HalfwayPoint): Promise<void> {
    const id = argumentSnapshotId(parent, halfway);
    if (!this.#persistence.has(id)) {
      return;
    }
    halfway.lead = 'starting';
    try {
      const core = await this.#node.cores.complete();
      const request = {
        id,
        parent,
        images: imagePaths(parent),
        evicted: () => {
          halfway.snapshot = undefined;
        },
      };
      const restored = await this.#persistence.restore(request, core);
      const snapshot = restored && (await this.#keep(record, restored.snapshot));
      if (snapshot !== undefined) {
        leadEnded(halfway, snapshot);
      }
    } finally {
      halfway.lead = 'none';
    }
  }

  /** Undefined: the function was forgotten meanwhile. */
  async #keep(record: FunctionRecord, snapshot: Snapshot): Promise<Snapshot | undefined> {
    if (record.forgotten) {
      await this.#node.cores.drop(snapshot);
      return undefined;
    }
    this.#node.snapshots.add(snapshot);
    return snapshot;
  }
}
