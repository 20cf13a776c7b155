import type { Action, Warmup } from '../../contract/action.ts';
import type { StartPath } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import { leastLoaded } from '../../cores/cores.ts';
import { imagePaths, type Snapshot, snapshotBytes, snapshotId, snapshotOf } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { argumentsText } from '../function/arguments.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { NodeParts } from '../invoke/parts.ts';
import { collect, PrivateUc } from './private-uc.ts';
import { lastingRepeat, type Pair } from './repeats.ts';
import { isBetter, medianOf, RecaptureTrial, RunTimes, TRIAL_RUNS } from './run-times.ts';

type DeployPrivately = (from: Snapshot) => Promise<PrivateUc>;

/** Between the run that gave cause and the capture: a burst of invocations is not disturbed. */
const DELAY_MS = 100;
/**
 * Arguments that are longer are not kept: without them a function that draws random values is not
 * recaptured.
 */
const ARGS_MAX = 16 * 1024;
/** Of a run that compares clones. */
const COMPARE_TIMEOUT_MS = 10_000;

interface Watch {
  readonly times: RunTimes;
  /** Nothing more is to be found out: it was recaptured, or is not worth it. */
  over: boolean;
  trial: RecaptureTrial | undefined;
  /** Arguments of the function's last run, as JSON, as long as more is to be found out. */
  args: string | undefined;
}

/**
 * Captures functions again once their code is compiled, off every client's path. What starts warm
 * afterwards starts with that code. Of a function whose state lives on (`reuse`) an idle UC is
 * captured when its runs have become quicker than their first; for others, and where the operator
 * has named harmless arguments, the node warms a UC of its own. The new snapshot stays only if
 * first runs from it are quicker, and if its clones do not have random values in common that runs
 * have drawn: clones are asked for that, and compared, before any other starts.
 */
export class Recapturer {
  readonly #node: NodeParts;
  readonly #enabled: boolean;
  readonly #watches = new WeakMap<FunctionRecord, Watch>();
  readonly #due = new Map<FunctionRecord, Action>();
  #timer: NodeJS.Timeout | undefined;

  constructor(node: NodeParts, enabled: boolean) {
    this.#node = node;
    this.#enabled = enabled;
  }

  /** A UC of a function whose state lives on has run. */
  note(uc: FunctionUc, action: Action, args: string, path: StartPath, runMs: number): void {
    const { record } = uc;
    const kept = record.snapshot?.isRecapture !== true && args.length <= ARGS_MAX;
    this.#watch(record).args = kept ? args : undefined;
    if (!this.#enabled || path === 'argument') {
      return;
    }
    const watch = this.#watch(record);
    if (path === 'warm' && watch.trial !== undefined && uc.origin === record.snapshot) {
      this.#judge(record, watch, watch.trial.first(runMs));
    }
    if (watch.over) {
      return;
    }
    if (path !== 'hot') {
      watch.times.first(runMs);
      return;
    }
    const verdict = watch.times.hot(runMs);
    watch.over = verdict !== 'wait';
    if (verdict === 'worth-it') {
      this.#due.set(record, action);
      this.#timer ??= setTimeout(() => void this.#work(), DELAY_MS).unref();
    }
  }

  /**
   * Captures the function again, a warm UC of the node's own if the operator allowed that, else an
   * idle one. False if there is none, or it did not go well.
   * @throws PlatformError when a warmup run fails, or the host has no room; `keeps_random`
   */
  async recapture(record: FunctionRecord, action: Action): Promise<boolean> {
    const { warmup } = action.policy;
    if (
      warmup === undefined
        ? !(await this.#captureIdle(record, action))
        : !(await this.#runWarmup(record, action, warmup))
    ) {
      return false;
    }
    this.#endTrial(this.#watch(record));
    return true;
  }

  async #captureIdle(record: FunctionRecord, action: Action): Promise<boolean> {
    const { cores, dispatcher, snapshots } = this.#node;
    const uc = dispatcher.borrow(record, ({ origin }) => origin !== undefined && snapshots.has(origin));
    const parent = uc?.origin;
    if (uc === undefined || parent === undefined) {
      return false;
    }
    const place = this.#node.places.holding(uc);
    let snapshot: Snapshot;
    let drawn: boolean;
    try {
      drawn = await collect(uc);
      const number = cores.nextSnapshot();
      snapshot = this.#describe(record, parent, number, await uc.tender.capture(uc.id, number, true));
      place.keep();
    } catch {
      return false;
    } finally {
      place.giveBack();
    }
    if (drawn) {
      const deploy = (from: Snapshot) => PrivateUc.deploy(this.#node, record, action, from, uc.core);
      await this.#examine(record, record.snapshot, snapshot, deploy, this.#watch(record).args);
    }
    this.#replace(record, snapshot);
    return true;
  }

  /**
   * Drops a new snapshot whose clones would share random values.
   * @throws PlatformError `keeps_random`, or when it could not be found out
   */
  async #examine(
    record: FunctionRecord,
    before: Snapshot | undefined,
    snapshot: Snapshot,
    deploy: DeployPrivately,
    args: string | undefined,
  ): Promise<void> {
    try {
      const shared = await sharedValues(before, snapshot, deploy, args);
      if (shared.length > 0) {
        throw new PlatformError(
          'keeps_random',
          `${record.name} was not recaptured: clones would have values in common (${shared.join('; ')})`,
        );
      }
    } catch (error) {
      await this.#node.cores.drop(snapshot);
      throw error;
    }
  }

  /** With a trial, the new snapshot stays only if it is better, which harmless runs tell at once. */
  async #runWarmup(record: FunctionRecord, action: Action, warmup: Warmup, trial = false): Promise<boolean> {
    const { cores } = this.#node;
    const before = record.snapshot;
    if (before === undefined || before.isRecapture === true) {
      return false;
    }
    this.#watch(record).over = true;
    const core = leastLoaded(cores.all);
    const deploy = (from: Snapshot) => PrivateUc.deploy(this.#node, record, action, from, core);
    const after = await this.#recaptureAfter(record, before, deploy, warmup);
    const stays =
      !trial ||
      isBetter(
        await firstRunMs(after, deploy, warmup),
        await firstRunMs(before, deploy, warmup),
        snapshotBytes(after),
      );
    if (!stays || record.snapshot !== before) {
      await cores.drop(after);
      return false;
    }
    this.#replace(record, after);
    this.#endTrial(this.#watch(record));
    if (action.policy.startsFrom === 'reset') {
      // They would be put back to the snapshot that they came from.
      this.#node.discardIdle(record);
    }
    return true;
  }

  async #recaptureAfter(
    record: FunctionRecord,
    before: Snapshot,
    deploy: DeployPrivately,
    { args, runs }: Warmup,
  ): Promise<Snapshot> {
    await using uc = await deploy(before);
    for (let run = 0; run < runs; run++) {
      await uc.run(args);
    }
    const number = this.#node.cores.nextSnapshot();
    const captured = await uc.capture(number);
    const after = this.#describe(record, before, number, captured);
    if (captured.drawn) {
      await this.#examine(record, before, after, deploy, argumentsText(args).text);
    }
    return after;
  }

  /** The function was updated or deleted. */
  forget(record: FunctionRecord): void {
    this.#due.delete(record);
    this.#endTrial(this.#watch(record));
  }

  /** The function has no snapshot any more: what is known of its runs is of the past. */
  begin(record: FunctionRecord): void {
    this.#watches.delete(record);
  }

  /** The function's first snapshot is there. */
  captured(record: FunctionRecord, action: Action): void {
    const { warmup } = action.policy;
    if (this.#enabled && warmup !== undefined) {
      setTimeout(() => {
        this.#runWarmup(record, action, warmup, true).catch(() => undefined);
      }, DELAY_MS).unref();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#due.clear();
  }

  #watch(record: FunctionRecord): Watch {
    let watch = this.#watches.get(record);
    if (watch === undefined) {
      watch = { times: new RunTimes(), over: false, trial: undefined, args: undefined };
      this.#watches.set(record, watch);
    }
    return watch;
  }

  async #work(): Promise<void> {
    for (const [record, action] of this.#due) {
      this.#due.delete(record);
      const done = await this.#captureIdle(record, action).catch(() => false);
      if (!done) {
        // Tried again after twice as many runs.
        this.#watch(record).over = false;
      }
    }
    this.#timer = undefined;
  }

  #describe(record: FunctionRecord, parent: Snapshot, number: number, captured: Captured): Snapshot {
    const createdMs = Date.now();
    const snapshot: Snapshot = snapshotOf({
      number,
      // What the runs left in it is in no other snapshot.
      id: snapshotId([parent.id, record.digest, 'warmed', String(createdMs), String(number)]),
      kind: 'function',
      parent,
      of: record.name,
      digest: record.digest,
      ...(record.snapshot !== undefined && { imagePaths: imagePaths(record.snapshot) }),
      captured,
      createdMs,
      savedMs: record.snapshot?.savedMs ?? 0,
      isRecapture: true,
      evicted: () => this.#evicted(record, snapshot),
    });
    return snapshot;
  }

  #replace(record: FunctionRecord, snapshot: Snapshot): void {
    const { snapshots, budget, cores } = this.#node;
    const previous = record.snapshot;
    const watch = this.#watch(record);
    if (record.forgotten) {
      cores.drop(snapshot).catch(() => undefined);
      return;
    }
    snapshots.add(snapshot);
    record.snapshot = snapshot;
    record.cold = 'none';
    watch.over = true;
    this.#endTrial(watch);
    watch.trial = previous && new RecaptureTrial(previous, watch.times.firstMs, snapshotBytes(snapshot));
    budget.enforce();
  }

  #judge(record: FunctionRecord, watch: Watch, verdict: ReturnType<RecaptureTrial['first']>): void {
    const { snapshots } = this.#node;
    if (verdict === undefined) {
      return;
    }
    const { snapshot } = record;
    const previous = watch.trial?.previous;
    if (
      verdict === 'no-better' &&
      snapshot !== undefined &&
      previous !== undefined &&
      snapshots.has(previous)
    ) {
      watch.trial = undefined;
      record.snapshot = previous;
      snapshots.retire(snapshot);
      return;
    }
    this.#endTrial(watch);
  }

  /** The snapshot that was replaced is needed no more. */
  #endTrial(watch: Watch): void {
    if (watch.trial !== undefined) {
      this.#node.snapshots.retire(watch.trial.previous);
      watch.trial = undefined;
    }
  }

  /** The one before it is there still, if its trial was not over. */
  #evicted(record: FunctionRecord, snapshot: Snapshot): void {
    const watch = this.#watch(record);
    const previous = watch.trial?.previous;
    if (record.snapshot === snapshot) {
      record.snapshot = previous !== undefined && this.#node.snapshots.has(previous) ? previous : undefined;
    }
    if (record.snapshot === previous) {
      watch.trial = undefined;
    }
  }
}

/** What first runs take that start from this snapshot. */
async function firstRunMs(from: Snapshot, deploy: DeployPrivately, { args }: Warmup): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < TRIAL_RUNS; run++) {
    await using uc = await deploy(from);
    times.push(await uc.run(args));
  }
  return medianOf(times);
}

/**
 * What clones of a recapture have in common of random values: by their own account, then by
 * what they answer.
 */
async function sharedValues(
  before: Snapshot | undefined,
  after: Snapshot,
  deploy: DeployPrivately,
  args: string | undefined,
): Promise<readonly string[]> {
  await using uc = await deploy(after);
  const shared = await uc.examine();
  if (shared.length > 0) {
    return shared;
  }
  if (args === undefined || before === undefined || before.isRecapture === true) {
    return ['there is nothing to compare its clones with'];
  }
  const path = await lastingRepeat(async () => ({
    recaptured: await answers(after, deploy, args),
    before: await answers(before, deploy, args),
  }));
  return path === undefined ? [] : [`they answer alike: ${path}`];
}

async function answers(from: Snapshot, deploy: DeployPrivately, args: string): Promise<Pair> {
  const answer = async (): Promise<string> => {
    await using uc = await deploy(from);
    return await uc.answer(args, COMPARE_TIMEOUT_MS);
  };
  return [await answer(), await answer()];
}
