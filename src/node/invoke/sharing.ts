import { constants } from 'node:os';
import { PlatformError } from '../../contract/errors.ts';
import type { Core, Cores } from '../../cores/cores.ts';
import { lineage, type Snapshot } from '../../snapshot/snapshot.ts';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import { errnoOf } from '../../tender/tender-error.ts';

const { ENOENT } = constants.errno;

interface SharingOptions {
  readonly cores: Cores;
  readonly snapshots: SnapshotCache;
  /** No tender has it any more. */
  readonly onLost: (snapshot: Snapshot) => void;
}

/**
 * Gives a tender that has taken another's place the snapshots that the others have: those that it
 * is asked for at once, the rest one after the other.
 */
export class Sharing {
  readonly #options: SharingOptions;
  readonly #underWay = new WeakMap<Core, Map<Snapshot, Promise<boolean>>>();

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** It was asked for something that it does not know. */
  isMissing(core: Core, error: unknown): boolean {
    return !core.complete && errnoOf(error) === ENOENT;
  }

  /**
   * Has the others give a core a snapshot, and before it what that builds on.
   * @throws PlatformError `tender_died` when no tender has it
   */
  async provide(core: Core, snapshot: Snapshot): Promise<void> {
    for (const ancestor of [...lineage(snapshot)].reverse()) {
      await this.#give(core, ancestor);
    }
    if (!(await this.#give(core, snapshot))) {
      this.#options.onLost(snapshot);
      throw new PlatformError('tender_died', `the tenders that had snapshot ${snapshot.id} died`);
    }
  }

  /** Gives a core all that there is, the last used first. */
  async complete(core: Core): Promise<void> {
    const { tender } = core;
    for (const snapshot of [...this.#options.snapshots].reverse()) {
      if (tender.isGone) {
        return;
      }
      if (this.#options.snapshots.has(snapshot)) {
        await this.provide(core, snapshot).catch(() => undefined);
      }
    }
    if (core.tender === tender && !tender.isGone) {
      this.#options.cores.setComplete(core);
    }
  }

  #give(core: Core, snapshot: Snapshot): Promise<boolean> {
    let underWay = this.#underWay.get(core);
    if (underWay === undefined) {
      underWay = new Map();
      this.#underWay.set(core, underWay);
    }
    let giving = underWay.get(snapshot);
    if (giving === undefined) {
      giving = this.#ask(core, snapshot).finally(() => underWay.delete(snapshot));
      underWay.set(snapshot, giving);
    }
    return giving;
  }

  /** Whether it has it now. An error other than that it has not got it is of the host. */
  async #ask(core: Core, snapshot: Snapshot): Promise<boolean> {
    let failure: unknown;
    // Itself first: it may have it.
    for (const other of [core, ...this.#options.cores.all.filter((each) => each !== core && each.up)]) {
      try {
        await other.tender.share(snapshot.number, core.index);
        return true;
      } catch (error) {
        failure = errnoOf(error) === ENOENT || other.tender.isGone ? failure : error;
      }
    }
    if (failure !== undefined) {
      throw failure;
    }
    return false;
  }
}
