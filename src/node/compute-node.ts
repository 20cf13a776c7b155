import type { Action, Arguments } from '../contract/action.ts';
import type { Activation, InvokeOptions, RunningActivation } from '../contract/activation.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode, NodeStats, UcMemory } from '../contract/node.ts';
import type { ComputeNodeOptions, TraceOptions } from '../contract/options.ts';
import type { HalfwayPointInfo, SnapshotDetails, SnapshotDiff, SnapshotInfo } from '../contract/snapshot.ts';
import type { Core, Cores } from '../cores/cores.ts';
import { resolveKind } from '../runtime/kinds.ts';
import { type Snapshot, snapshotInfo } from '../snapshot/snapshot.ts';
import { SnapshotCache } from '../snapshot/snapshot-cache.ts';
import type { Uc, UcOwner } from '../uc/uc.ts';
import type { UcEnd } from '../uc/uc-end.ts';
import { Auditor } from './background/auditor.ts';
import { Compactor } from './background/compactor.ts';
import type { Persistence } from './background/persistence.ts';
import { Recapturer } from './background/recapture.ts';
import { Recovery } from './background/recovery.ts';
import { Recycler } from './background/recycler.ts';
import { RestWatch } from './background/rest-watch.ts';
import { Restorer } from './background/restorer.ts';
import { argumentsText } from './function/arguments.ts';
import {
  type FunctionRecord,
  FunctionUc,
  functionRecord,
  takeSnapshots,
} from './function/function-record.ts';
import { halfwayPointsOf } from './function/halfway.ts';
import { RunningInvocations } from './function/running.ts';
import { Admission } from './idle/admission.ts';
import { Demoter } from './idle/demoter.ts';
import { IdleMeter, memoryOfIdle } from './idle/idle-meter.ts';
import { IdlePool } from './idle/idle-pool.ts';
import { MemoryAccount } from './idle/memory-account.ts';
import { defaultBudgetBytes, MemoryBudget } from './idle/memory-budget.ts';
import { killAll, UcEndings } from './idle/uc-endings.ts';
import { activate } from './invoke/activation.ts';
import { Dispatcher } from './invoke/dispatcher.ts';
import type { NodeParts } from './invoke/parts.ts';
import { Places } from './invoke/place.ts';
import { Sharing } from './invoke/sharing.ts';
import { SnapshotOperations } from './operations/snapshot-operations.ts';
import { Runtimes } from './runtime/runtime-boot.ts';

/** How long a node that closes goes on making snapshots compact, which the store then keeps so. */
const COMPACT_MS = 2000;

export class SeussNode implements ComputeNode, NodeParts, UcOwner {
  readonly cores: Cores;
  readonly dispatcher: Dispatcher;
  readonly snapshots: SnapshotCache;
  readonly account = new MemoryAccount();
  readonly budget: MemoryBudget;
  readonly sharing: Sharing;
  readonly owner: UcOwner = this;
  readonly counts = { cold: 0, warm: 0, argument: 0, hot: 0 };
  readonly runtimes: Runtimes;
  readonly invocations = new RunningInvocations();
  readonly places = new Places(this);
  readonly #operations: SnapshotOperations;
  readonly recapturer: Recapturer;
  readonly #rest = new RestWatch();
  readonly #idle = new IdlePool(this.account, (uc) => this.#rest.note(uc));
  readonly #meter = new IdleMeter(this.#idle);
  readonly #demoter: Demoter;
  readonly #compactor: Compactor;
  readonly #persistence: Persistence;
  readonly #restorer: Restorer;
  readonly #recycler: Recycler;
  readonly #recovery: Recovery;
  readonly #auditor: Auditor;
  readonly #trace: TraceOptions | undefined;
  readonly #endings = new UcEndings(this.account);
  readonly #failed = Promise.withResolvers<PlatformError>();
  /** Functions by the digest of their action. */
  readonly #functions = new Map<string, FunctionRecord>();
  #restless = 0;
  #closed: Promise<void> | undefined;

  constructor(cores: Cores, persistence: Persistence, options: ComputeNodeOptions) {
    this.cores = cores;
    this.#trace = options.trace;
    const without = new Set(options.without);
    this.#demoter = new Demoter(this.#idle, cores.all, {
      short: () => this.budget.isShort,
      byTime: !without.has('demotion'),
    });
    this.#persistence = persistence;
    this.#operations = new SnapshotOperations(this, persistence);
    this.snapshots = new SnapshotCache(
      (snapshot) => this.#evicted(snapshot),
      (snapshot) => this.#compactor.note(snapshot),
    );
    this.budget = new MemoryBudget({
      limitBytes: options.memoryBytes ?? defaultBudgetBytes(),
      account: this.account,
      idle: this.#idle,
      snapshots: this.snapshots,
      end: (uc) => this.#endings.end(uc),
      kill: (uc) => this.#endings.failForMemory(uc),
    });
    this.dispatcher = new Dispatcher(cores.all, this.#idle, {
      admission: new Admission(this.account, this.budget),
    });
    this.#compactor = new Compactor({
      cores: cores.all,
      snapshots: this.snapshots,
      enabled: !without.has('compaction'),
      onSettled: (snapshot) => persistence.save(snapshot),
    });
    this.sharing = new Sharing({
      cores,
      snapshots: this.snapshots,
      onLost: (snapshot) => this.#loseSnapshot(snapshot),
    });
    this.recapturer = new Recapturer(this, !without.has('recapture'));
    this.#recycler = new Recycler({
      dispatcher: this.dispatcher,
      dispose: (uc) => this.dispose(uc),
      onIdle: (uc) => this.#becameIdle(uc),
    });
    this.#restorer = new Restorer(this, persistence);
    this.runtimes = new Runtimes(cores, this.snapshots, persistence, {
      anticipate: options.anticipate ?? true,
      hugePages: !without.has('huge-pages'),
      onProgress: options.onProgress ?? (() => undefined),
    });
    this.#auditor = new Auditor({
      cores: cores.all,
      places: this.places,
      resetting: this.#recycler.resetting,
      ending: this.#endings.pending,
      booting: (core) => this.runtimes.bootsOn(core),
      dispose: (uc) => this.dispose(uc),
      onMended: () => this.dispatcher.reconsider(),
      report: options.onFault ?? (() => undefined),
    });
    this.#auditor.start();
    this.#recovery = new Recovery({
      cores,
      onSnapshotsLost: () => this.#loseSnapshots(),
      bring: (core) => this.#bringRuntimes(core),
      restore: () => this.runtimes.recover(() => this.dispatcher.reconsider()),
      onUp: () => this.#cameUp(),
      onFailed: (error) => this.#fail(error),
      report: options.onFault ?? (() => undefined),
    });
  }

  get failed(): Promise<PlatformError> {
    return this.#failed.promise;
  }

  fault(): PlatformError | undefined {
    return this.#recovery.fault;
  }

  async invoke(action: Action, params: Arguments, options: InvokeOptions = {}): Promise<Activation> {
    this.#checkOpen();
    const record = this.#functions.get(action.digest) ?? (await this.#newRecord(action));
    const text = argumentsText(params);
    this.#restorer.prepare(record, action, text);
    return await activate(this, record, action, text, options);
  }

  async forget(action: Action): Promise<void> {
    const record = this.#functions.get(action.digest);
    if (record !== undefined) {
      await this.#forgetRecord(action, record);
    }
    await this.#persistence.forget(action.digest);
  }

  async dropIdle(action: Action): Promise<void> {
    const record = this.#functions.get(action.digest);
    if (record !== undefined) {
      await Promise.all(record.resets);
      await killAll(this.#idle.takeAll(record));
    }
  }

  async demoteIdle(action: Action): Promise<number> {
    const record = this.#functions.get(action.digest);
    if (record === undefined) {
      return 0;
    }
    await Promise.all(record.resets);
    await this.#demoter.demoteAll(record);
    return record.demoted.length;
  }

  async recapture(action: Action): Promise<boolean> {
    const record = this.#functions.get(action.digest);
    return record !== undefined && (await this.recapturer.recapture(record, action));
  }

  stats(): NodeStats {
    const store = this.#persistence.stats();
    return {
      cores: this.cores.stats(),
      idleUcs: this.#idle.count,
      demotedUcs: this.#idle.demoted,
      restlessUcs: this.#restless,
      busyUcs: this.dispatcher.active,
      queued: this.dispatcher.queued,
      leaks: this.#auditor.leaks,
      memory: {
        budgetBytes: this.budget.limitBytes,
        runningBytes: this.account.running + this.account.ending,
        idleBytes: this.account.idle,
        snapshotBytes: this.snapshots.bytes,
      },
      ...this.counts,
      snapshots: Array.from(this.snapshots, (each) => snapshotInfo(each, this.#persistence.isStored(each))),
      ...(store !== undefined && { store }),
    };
  }

  halfwayPoints(action: Action): HalfwayPointInfo[] {
    return halfwayPointsOf(action, this.#functions.get(action.digest)?.halfwayPoints);
  }

  running(): readonly RunningActivation[] {
    return this.invocations.list();
  }

  async capture(activationId: string): Promise<SnapshotInfo> {
    this.#checkOpen();
    return await this.#operations.capture(activationId);
  }

  async resume(snapshotId: string, options: InvokeOptions = {}): Promise<Activation> {
    this.#checkOpen();
    return await this.#operations.resume(snapshotId, options);
  }

  async inspect(snapshotId: string): Promise<SnapshotDetails> {
    this.#checkOpen();
    return await this.#operations.inspect(snapshotId);
  }

  async diff(a: string, b: string): Promise<SnapshotDiff> {
    this.#checkOpen();
    return await this.#operations.diff(a, b);
  }

  async dropSnapshot(snapshotId: string): Promise<void> {
    this.#checkOpen();
    await this.#operations.drop(snapshotId);
  }

  async idleMemory(action: Action): Promise<UcMemory> {
    return await memoryOfIdle(this.#functions.get(action.digest), action.name);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  dispose(uc: FunctionUc): void {
    this.#endings.dispose(uc);
  }

  release(uc: FunctionUc): void {
    this.#recycler.take(uc);
  }

  #becameIdle(uc: FunctionUc): void {
    this.#meter.note(uc.record);
    this.#demoter.note(uc.core);
    this.budget.enforce();
  }

  discardIdle(record: FunctionRecord): void {
    for (const uc of this.#idle.takeAll(record)) {
      this.dispose(uc);
    }
  }

  /** A busy UC's end is told to its invocation; an idle one's is seen here alone. */
  ucEnded(uc: Uc, end: UcEnd): void {
    this.#restless += Number(end.type === 'restless');
    if (!(uc instanceof FunctionUc)) {
      return;
    }
    if (uc.isIdle) {
      this.#idle.remove(uc);
    }
    this.account.update(uc);
    this.dispatcher.reconsider();
  }

  ucMemory(uc: Uc, bytes: number): void {
    if (uc instanceof FunctionUc) {
      this.account.grew(uc, bytes);
      this.budget.grew();
    }
  }

  async #close(): Promise<void> {
    const mended = this.#recovery.stop();
    this.#auditor.stop();
    this.#meter.stop();
    this.#rest.stop();
    this.#demoter.stop();
    this.recapturer.stop();
    const reason = new PlatformError('closed', 'the node was closed');
    this.dispatcher.rejectAll(reason);
    if (!this.cores.all.some(({ up }) => up)) {
      this.cores.end(reason);
    }
    await this.#compactor.stop(this.#persistence.isOpen ? COMPACT_MS : 0);
    await this.#persistence.flush();
    await this.cores.close();
    await mended;
    await this.#persistence.close();
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new PlatformError('closed', 'the node was closed');
    }
    if (this.#recovery.failed !== undefined) {
      throw this.#recovery.failed;
    }
  }

  /** All tenders have died: nothing of what they had is there any more, but what the store has. */
  #loseSnapshots(): void {
    this.runtimes.lose();
    for (const snapshot of [...this.snapshots]) {
      this.#loseSnapshot(snapshot);
    }
    for (const record of this.#functions.values()) {
      record.cold = record.cold === 'failed' ? 'none' : record.cold;
      this.recapturer.begin(record);
    }
  }

  #loseSnapshot(snapshot: Snapshot): void {
    snapshot.lost = true;
    this.snapshots.remove(snapshot);
    snapshot.evicted?.();
    this.#compactor.forget(snapshot);
    this.#persistence.forgetUnwritten(snapshot);
  }

  async #bringRuntimes(core: Core): Promise<void> {
    for (const snapshot of [...this.snapshots].filter(({ kind }) => kind === 'runtime')) {
      await this.sharing.provide(core, snapshot);
    }
  }

  /** The rest comes back when it is asked for, or in the end. */
  #cameUp(): void {
    this.dispatcher.reconsider();
    for (const core of this.cores.all.filter(({ up, complete }) => up && !complete)) {
      this.sharing.complete(core).catch(() => undefined);
    }
  }

  #fail(error: PlatformError): void {
    this.dispatcher.rejectAll(error);
    this.#failed.resolve(error);
  }

  async #newRecord(action: Action): Promise<FunctionRecord> {
    const runtime = await this.runtimes.get(resolveKind(action.kind).name);
    this.#checkOpen();
    const known = this.#functions.get(action.digest);
    const record = known ?? functionRecord(action, runtime, this.#trace);
    this.#functions.set(action.digest, record);
    return record;
  }

  async #forgetRecord(action: Action, record: FunctionRecord): Promise<void> {
    record.forgotten = true;
    this.#functions.delete(action.digest);
    const snapshots = takeSnapshots(record);
    await killAll(this.#idle.takeAll(record));
    await this.#operations.forget(record);
    this.recapturer.forget(record);
    for (const snapshot of snapshots) {
      if (this.snapshots.remove(snapshot)) {
        await this.cores.drop(snapshot);
      }
    }
  }

  #evicted(snapshot: Snapshot): void {
    snapshot.evicted?.();
    this.#compactor.giveUp(snapshot);
    this.#persistence
      .spill(snapshot)
      .then(() => this.cores.drop(snapshot))
      .catch(() => undefined);
  }
}
