import type { JsonText } from '../json/json-text.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { SnapshotCache } from '../snapshot/snapshot-cache.ts';
import type { Captured } from '../tender/messages.ts';
import { type DriverCode, initMessage, resumeMessage, runMessage } from '../uc/driver-messages.ts';
import { exchange, type Reply } from '../uc/exchange.ts';
import { LateLog } from '../uc/late-log.ts';
import { LogCollector } from '../uc/log-collector.ts';
import type { UcOwner } from '../uc/uc.ts';
import type { UcEnd } from '../uc/uc-end.ts';
import { AnsweredActivation } from './answered.ts';
import { isRefusal } from './capture-attempts.ts';
import { ACTION_DIR, mountCode } from './code-image.ts';
import type { Core, Cores } from './cores.ts';
import { type Deployed, deploySnapshot } from './deploy.ts';
import type { Dispatcher, Start } from './dispatcher.ts';
import { type FunctionRecord, FunctionUc } from './function-record.ts';
import { keepFunctionSnapshot } from './function-snapshot.ts';
import { type LeadingInvocation, lead } from './lead.ts';
import type { MemoryAccount } from './memory-account.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { initOutcome, maxLineBytes, type Outcome, runOutcome } from './outcome.ts';
import type { Recapturer } from './recapture.ts';
import type { RunningInvocation, RunningInvocations } from './running.ts';
import { nextSeed } from './seed.ts';
import { addCheckpoint, findSpecialization } from './specialization.ts';
import { isTenderDeath, mayStartAgain } from './tender-death.ts';
import {
  type Action,
  type Activation,
  type ActivationTimings,
  type InvokeOptions,
  PlatformError,
  type StartPath,
} from './types.ts';

/** What invocations need of the node. */
export interface ActivationContext {
  readonly cores: Cores;
  readonly dispatcher: Dispatcher;
  readonly snapshots: SnapshotCache;
  readonly account: MemoryAccount;
  readonly budget: MemoryBudget;
  readonly invocations: RunningInvocations;
  readonly owner: UcOwner;
  /** Invocations so far. */
  readonly counts: Record<StartPath, number>;
  readonly recapturer: Recapturer;
  /** Kills a UC and does not wait for it. */
  dispose(uc: FunctionUc): void;
  /** A UC has answered and may serve the next invocation, as its action's policy has it. */
  release(uc: FunctionUc): void;
  /** Kills the function's idle UCs and does not wait for it. */
  discardIdle(record: FunctionRecord): void;
}

export type Timings = { -readonly [Key in keyof ActivationTimings]: ActivationTimings[Key] };

/** The snapshot that a UC is captured as once it has answered. */
interface AwaitedCapture {
  readonly number: number;
  readonly captured: Promise<Captured>;
}

/** What a run may log after its answer, at most. */
const LATE_LOG_BYTES = 64 * 1024;
/** UCs that one invocation finds restless before it counts as the function's fault. */
const RESTLESS_MAX = 3;

let lastRun = 0;

/** One invocation on its way through a UC. Never tried a second time once the function's code ran. */
class Invocation {
  readonly timings: Timings = { waitMs: 0, runMs: 0, totalMs: 0 };
  readonly logs: LogCollector;
  readonly #node: ActivationContext;
  readonly #record: FunctionRecord;
  readonly #action: Action;
  readonly #options: InvokeOptions;
  readonly #running: RunningInvocation | undefined;
  readonly #params: JsonText;
  #path: StartPath = 'cold';
  #restless = 0;

  constructor(
    node: ActivationContext,
    record: FunctionRecord,
    action: Action,
    params: JsonText,
    options: InvokeOptions,
    running: RunningInvocation | undefined,
  ) {
    this.logs = new LogCollector(action.limits.logBytes);
    this.#node = node;
    this.#record = record;
    this.#action = action;
    this.#options = options;
    this.#running = running;
    this.#params = params;
  }

  acquire(): Start | Promise<Start> {
    const special = findSpecialization(this.#record.specializations, this.#params);
    return this.#node.dispatcher.acquire(this.#record, this.#options.signal, special);
  }

  /**
   * Undefined: the UC is lost, nothing has run, and another start has to serve.
   * @throws PlatformError when the platform failed: `mayStartAgain` tells whether the function had not begun
   */
  drive(start: Start): Promise<Outcome | undefined> {
    if (this.#running !== undefined) {
      this.#running.path = start.path;
    }
    this.#path = start.path;
    switch (start.path) {
      case 'hot':
        return start.promote ? this.#promote(start.uc) : this.#run(start.uc);
      case 'warm':
      case 'argument': {
        const outcome = this.#deployed(start);
        // By now the deploy counts by itself.
        start.snapshot.deploying -= 1;
        return outcome;
      }
      case 'cold':
        return this.#cold(start.core, start.leads);
    }
  }

  #deployed(start: Extract<Start, { snapshot: Snapshot }>): Promise<Outcome> {
    if (start.path === 'argument') {
      return this.#argument(start.core, start.snapshot);
    }
    return start.leads === undefined
      ? this.#warm(start.core, start.snapshot)
      : lead(this.#leading(), start.core, start.snapshot, start.leads);
  }

  async #run(uc: FunctionUc): Promise<Outcome | undefined> {
    const id = ++lastRun;
    const seed = this.#seedAfterReset(uc);
    const begun = performance.now();
    const reply = await this.#exchange(uc, this.#runText(id, seed), id);
    if (reply.type === 'ended' && reply.end.type === 'restless' && ++this.#restless <= RESTLESS_MAX) {
      this.#node.dispatcher.lost(uc.core);
      return undefined;
    }
    // The capture may have begun, or ended, before this node heard of the code.
    this.timings.runMs = Math.max(0, performance.now() - begun - (this.timings.captureMs ?? 0));
    return this.#conclude(uc, this.#runOutcome(reply, id, seed !== undefined));
  }

  /** The message goes out along with the promotion, and waits in the tender for its end. */
  async #promote(uc: FunctionUc): Promise<Outcome | undefined> {
    const { dispatcher } = this.#node;
    const id = ++lastRun;
    const seed = this.#seedAfterReset(uc);
    const begun = performance.now();
    const promoted = uc.tender.promote(uc.id);
    const exchanged = this.#exchange(uc, this.#runText(id, seed), id);
    try {
      this.timings.deployMs = (await promoted).deployNs / 1e6;
    } catch (error) {
      uc.fail(error);
      this.#node.dispose(uc);
      dispatcher.lost(uc.core);
      return undefined;
    } finally {
      dispatcher.startDone(uc.core);
    }
    const reply = await exchanged;
    this.timings.runMs = performance.now() - begun - this.timings.deployMs;
    return this.#conclude(uc, this.#runOutcome(reply, id, seed !== undefined));
  }

  #warm(core: Core, snapshot: Snapshot): Promise<Outcome> {
    const id = ++lastRun;
    return this.#startFrom(core, snapshot, id, this.#runText(id, nextSeed()));
  }

  #argument(core: Core, snapshot: Snapshot): Promise<Outcome> {
    const id = ++lastRun;
    return this.#startFrom(core, snapshot, id, resumeMessage(id, this.#params.text, this.#env(), nextSeed()));
  }

  /** `text` is the message that the UC in the snapshot waits for. */
  async #startFrom(core: Core, snapshot: Snapshot, id: number, text: string): Promise<Outcome> {
    this.#node.snapshots.touch(snapshot);
    const begun = performance.now();
    let deployed: Deployed;
    try {
      deployed = await this.#deploy(core, snapshot, (uc) => this.#exchange(uc, text, id));
    } finally {
      this.#node.dispatcher.startDone(core);
    }
    const reply = await deployed.reply;
    this.timings.runMs = performance.now() - begun - (this.timings.deployMs ?? 0);
    return this.#conclude(deployed.uc, this.#runOutcome(reply, id, true));
  }

  async #cold(core: Core, leads: boolean): Promise<Outcome | undefined> {
    let awaited: AwaitedCapture | undefined;
    let kept: Promise<void> | undefined;
    let begun = true;
    try {
      const loaded = await this.#load(core, (uc) => {
        awaited = this.#capture(uc);
      });
      if (!(loaded instanceof FunctionUc)) {
        return loaded;
      }
      kept = awaited && this.#keep(awaited);
      const outcome = await this.#run(loaded);
      // Its answer came before the run's: whoever hears of this invocation also sees its snapshot.
      await kept;
      return outcome;
    } catch (error) {
      begun = !isTenderDeath(error);
      throw error;
    } finally {
      if (kept === undefined) {
        this.#forgo(awaited, leads, begun);
      }
    }
  }

  /** A UC that has loaded the function's code, or why there is none. `sent`: the UC has been sent its code. */
  async #load(core: Core, sent: (uc: FunctionUc) => void): Promise<FunctionUc | Outcome> {
    const { main, env, code, limits } = this.#action;
    try {
      const what: DriverCode = code.type === 'source' ? code : { type: 'dir', dir: ACTION_DIR };
      const specialize = this.#action.policy.specialize.length > 0;
      const text = initMessage(main, what, env, nextSeed(), specialize);
      const begun = performance.now();
      let mounted: Promise<UcEnd | undefined> | undefined;
      const { uc, reply } = await this.#deploy(core, this.#record.runtime.snapshot, (fresh) => {
        if (code.type === 'image') {
          mounted = mountCode(this.#node.cores, fresh, code.imagePath);
        }
        const loading = this.#exchange(fresh, text);
        sent(fresh);
        return loading;
      });
      const answer = await reply;
      // The platform may be why a driver found no code; both tidings may have come in one piece.
      const end = await mounted;
      const outcome = initOutcome(
        end === undefined ? answer : { type: 'ended', end },
        limits,
        this.#flushedLogs(),
      );
      this.timings.initMs = performance.now() - begun - (this.timings.deployMs ?? 0);
      return outcome === undefined ? uc : this.#conclude(uc, outcome);
    } finally {
      this.#node.dispatcher.startDone(core);
    }
  }

  /** With the first message. */
  async #deploy(
    core: Core,
    snapshot: Snapshot,
    first: (uc: FunctionUc) => Promise<Reply>,
  ): Promise<Deployed> {
    const { limits } = this.#action;
    try {
      const deployed = await deploySnapshot(
        this.#node,
        core,
        snapshot,
        this.#record,
        limits.memoryBytes,
        first,
      );
      this.timings.deployMs = deployed.deployMs;
      deployed.uc.halfway = snapshot.kind === 'argument';
      return deployed;
    } catch (error) {
      this.#node.dispatcher.lost(core);
      throw error;
    }
  }

  /**
   * Asks for the function's snapshot of a UC that is about to load its code. The run message, which follows the answer at
   * once, is taken when the UC goes on. Undefined: there is one, nobody wants it, or its like has failed lately.
   */
  #capture(uc: FunctionUc): AwaitedCapture | undefined {
    const record = this.#record;
    if (record.snapshot !== undefined || record.forgotten || !record.attempts.isDue(performance.now())) {
      return undefined;
    }
    const number = this.#node.cores.nextSnapshot();
    const captured = uc.tender.captureAtAnswer(uc.id, number);
    // Whether anybody waits for it is only known later.
    captured.catch((error: unknown) => record.attempts.failed(error, performance.now()));
    return { number, captured };
  }

  /** The code is loaded: what is captured then is the function's snapshot. */
  #keep({ number, captured }: AwaitedCapture): Promise<void> {
    const { budget } = this.#node;
    const record = this.#record;
    record.cold = 'starting';
    return captured.then(
      (captured) => {
        this.timings.captureMs = captured.stopNs / 1e6;
        keepFunctionSnapshot(this.#node, record, this.#action, number, captured, this.timings.initMs ?? 0);
      },
      async (error: unknown) => {
        const relieved = isRefusal(error) ? undefined : budget.relieve(error);
        this.#coldFailed(isTenderDeath(error));
        await relieved;
      },
    );
  }

  /** No snapshot comes of this start: the code was not loaded, or nobody wants one. */
  #forgo(awaited: AwaitedCapture | undefined, leads: boolean, begun: boolean): void {
    const { cores } = this.#node;
    awaited?.captured.then(() => cores.drop(awaited)).catch(() => undefined);
    if (leads) {
      this.#coldFailed(!begun);
    }
  }

  /** `again`: it was no fault of the function, and the next one may bring the snapshot. */
  #coldFailed(again: boolean): void {
    const { dispatcher } = this.#node;
    if (again) {
      dispatcher.restoreDone(this.#record, undefined);
    } else {
      dispatcher.coldDone(this.#record, undefined);
    }
  }

  /** What the way to an argument snapshot needs of this invocation. */
  #leading(): LeadingInvocation {
    return {
      node: this.#node,
      record: this.#record,
      action: this.#action,
      timings: this.timings,
      logs: this.logs,
      value: this.#params.text,
      env: this.#env(),
      nextId: () => ++lastRun,
      runText: (...args) => this.#runText(...args),
      deploy: (...args) => this.#deploy(...args),
      exchange: (...args) => this.#exchange(...args),
      conclude: (...args) => this.#conclude(...args),
    };
  }

  /** `runId`: the message is that run's. */
  #exchange(uc: FunctionUc, message: string, runId?: number, timeoutMs?: number): Promise<Reply> {
    const { limits } = this.#action;
    if (runId !== undefined) {
      this.#begin(uc, runId);
    }
    return exchange(uc, message, {
      timeoutMs: timeoutMs ?? limits.timeoutMs,
      maxLineBytes: maxLineBytes(limits),
      logs: this.logs,
      signal: this.#options.signal,
      onCut: this.#running?.noteCut,
    });
  }

  #begin(uc: FunctionUc, runId: number): void {
    const { onLateLog } = this.#options;
    if (this.#running !== undefined) {
      this.#running.run = { uc, id: runId };
    }
    if (onLateLog !== undefined) {
      uc.expectLate(runId, new LateLog(Math.min(this.#action.limits.logBytes, LATE_LOG_BYTES), onLateLog));
    }
  }

  /** A UC that was reset is a new one: its random sources want a seed, as after a deploy. */
  #seedAfterReset(uc: FunctionUc): string | undefined {
    const resetMs = uc.takeReset();
    if (resetMs === undefined) {
      return undefined;
    }
    this.timings.resetMs = resetMs;
    return nextSeed();
  }

  #runText(id: number, seed: string | undefined, checkpoint = false): string {
    return runMessage(id, this.#params.text, this.#env(), seed, checkpoint);
  }

  #env(): string {
    const { env } = this.#options;
    return env === undefined ? '{}' : JSON.stringify(env);
  }

  #runOutcome(reply: Reply, id: number, seedSent: boolean): Outcome | PlatformError {
    return runOutcome(reply, id, seedSent, this.#action.limits, this.#flushedLogs());
  }

  #flushedLogs(): LogCollector {
    this.logs.finish();
    return this.logs;
  }

  /** What becomes of the UC after the outcome. */
  #conclude(uc: FunctionUc, outcome: Outcome | PlatformError): Outcome {
    const failed = outcome instanceof PlatformError;
    if (!failed && outcome.checkpoint === true) {
      addCheckpoint(uc.record.specializations);
    }
    if (!failed && outcome.reusable && isOfUse(uc)) {
      if (uc.record.state === 'reuse') {
        this.#node.recapturer.note(uc, this.#path, this.timings.runMs);
      }
      this.#node.release(uc);
    } else {
      this.#node.dispose(uc);
      this.#node.dispatcher.lost(uc.core);
    }
    if (failed) {
      throw outcome;
    }
    uc.core.answered = uc.core.answered || uc.end?.type !== 'lost';
    return outcome;
  }
}

function isOfUse(uc: FunctionUc): boolean {
  return uc.end === undefined && !uc.record.forgotten && !uc.halfway;
}

/**
 * Carries out one invocation, whatever the function does.
 * @throws PlatformError when the platform failed, never for what the function did
 */
export async function activate(
  node: ActivationContext,
  record: FunctionRecord,
  action: Action,
  params: JsonText,
  options: InvokeOptions,
): Promise<Activation> {
  if (options.id === undefined) {
    return await carryOut(node, new Invocation(node, record, action, params, options, undefined));
  }
  const running = node.invocations.begin(options.id, action);
  try {
    return await carryOut(node, new Invocation(node, record, action, params, options, running));
  } finally {
    node.invocations.end(running);
  }
}

async function carryOut(node: ActivationContext, invocation: Invocation): Promise<Activation> {
  const startMs = Date.now();
  const begun = performance.now();
  const { timings, logs } = invocation;
  let start: Start;
  let outcome: Outcome | undefined;
  let starts = 0;
  do {
    const acquired = invocation.acquire();
    start = acquired instanceof Promise ? await acquired : acquired;
    timings.waitMs = performance.now() - begun;
    node.counts[start.path] += 1;
    starts += 1;
    try {
      outcome = await invocation.drive(start);
    } catch (error) {
      if (!mayStartAgain(error, starts)) {
        throw error;
      }
    }
    node.counts[start.path] -= Number(outcome === undefined);
  } while (outcome === undefined);
  timings.totalMs = performance.now() - begun;
  return new AnsweredActivation(outcome, start.path, timings, logs.finish(), startMs);
}
