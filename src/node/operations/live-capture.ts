import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../contract/action.ts';
import { PlatformError } from '../../contract/errors.ts';
import { type Snapshot, snapshotId, snapshotOf } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { errnoOf } from '../../tender/tender-error.ts';
import { type FunctionRecord, type FunctionUc, imagePathsOf } from '../function/function-record.ts';
import type { RunningInvocation } from '../function/running.ts';
import type { NodeParts } from '../invoke/parts.ts';

/** What a deploy of a captured run has to know to go on with it. */
export interface Continuation {
  readonly record: FunctionRecord;
  readonly action: Action;
  /** Of the run message that it will answer. */
  readonly runId: number;
  /** What it had sent of its answer when it was captured. */
  readonly held: Buffer;
}

const { EAGAIN, EBUSY } = constants.errno;

/** A UC that is being deployed, or has not taken its message, gets so long. */
const PATIENCE_MS = 2000;
const LONGEST_WAIT_MS = 20;

/** Snapshots of runs that were captured on demand. */
export class LiveCaptures {
  readonly #continuations = new Map<Snapshot, Continuation>();
  /** The last capture of each UC: of two at once nobody could tell whose cut is whose. */
  readonly #last = new WeakMap<FunctionUc, Promise<unknown>>();

  /** How the run goes on; undefined for a snapshot that is none of these. */
  get(snapshot: Snapshot): Continuation | undefined {
    return this.#continuations.get(snapshot);
  }

  /** Those of one version of an action. */
  of(record: FunctionRecord): Snapshot[] {
    return [...this.#continuations].filter(([, at]) => at.record === record).map(([snapshot]) => snapshot);
  }

  /**
   * Stops a run wherever it is, captures it, and lets it run on.
   * @throws PlatformError `not_running`, `capture_failed`, `no_room`
   */
  async capture(node: NodeParts, invocation: RunningInvocation): Promise<Snapshot> {
    const { run } = invocation;
    if (run === undefined) {
      throw notRunning(invocation, 'has not begun to run');
    }
    const turn = (this.#last.get(run.uc) ?? Promise.resolve()).then(() => this.#capture(node, invocation));
    this.#last.set(
      run.uc,
      turn.catch(() => undefined),
    );
    return await turn;
  }

  async #capture(node: NodeParts, invocation: RunningInvocation): Promise<Snapshot> {
    const { run, action } = invocation;
    if (run === undefined) {
      throw notRunning(invocation, 'ended meanwhile');
    }
    invocation.takeCut();
    const number = node.cores.nextSnapshot();
    const captured = await captureAtOnce(run.uc, number, () => invocation.run !== undefined).catch(
      (error) => {
        throw invocation.run === undefined || run.uc.end !== undefined
          ? notRunning(invocation, 'ended meanwhile')
          : new PlatformError(
              'capture_failed',
              `activation ${invocation.id} was not captured: ${error.message}`,
              {
                remedy: 'try again',
                cause: error,
              },
            );
      },
    );
    const held = invocation.takeCut();
    const { record } = run.uc;
    const snapshot = this.#snapshot(node, number, captured, invocation, record);
    if (held === undefined || record.forgotten) {
      await node.cores.drop(snapshot);
      throw notRunning(invocation, 'ended meanwhile');
    }
    this.#continuations.set(snapshot, { record, action, runId: run.id, held });
    node.snapshots.add(snapshot);
    node.budget.enforce();
    if (!node.snapshots.has(snapshot)) {
      throw new PlatformError('no_room', `the memory budget has no room for a snapshot of ${invocation.id}`, {
        remedy: 'give the node more memory, or drop other snapshots',
      });
    }
    return snapshot;
  }

  #snapshot(
    node: NodeParts,
    number: number,
    captured: Captured,
    { action, startMs }: RunningInvocation,
    record: FunctionRecord,
  ): Snapshot {
    const parent = [...node.snapshots].find((snapshot) => snapshot.number === captured.parent);
    const snapshot: Snapshot = snapshotOf({
      number,
      id: snapshotId([parent?.id ?? '', action.digest, randomUUID()]),
      kind: 'capture',
      parent,
      of: action.name,
      captured,
      imagePaths: imagePathsOf(record, action),
      savedMs: Date.now() - startMs,
      evicted: () => {
        this.#continuations.delete(snapshot);
      },
    });
    return snapshot;
  }
}

async function captureAtOnce(uc: FunctionUc, number: number, runs: () => boolean): Promise<Captured> {
  const end = performance.now() + PATIENCE_MS;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await uc.tender.captureLive(uc.id, number);
    } catch (error) {
      const errno = errnoOf(error);
      if ((errno !== EBUSY && errno !== EAGAIN) || performance.now() > end || !runs()) {
        throw error;
      }
    }
    await sleep(waitMs);
  }
}

function notRunning({ id, action }: RunningInvocation, why: string): PlatformError {
  return new PlatformError('not_running', `activation ${id} of ${action.name} ${why}`, {
    remedy: 'only a running activation can be captured',
  });
}
