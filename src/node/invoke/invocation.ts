import type { Action } from '../../contract/action.ts';
import type { InvokeOptions, StartPath } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import type { JsonText } from '../../json/json-text.ts';
import type { Snapshot, SnapshotHold } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';
import { CallTrace } from '../../uc/call-trace.ts';
import { type DriverCode, initMessage, resumeMessage, runMessage } from '../../uc/driver-messages.ts';
import { exchange, type Reply } from '../../uc/exchange.ts';
import { LateLog } from '../../uc/late-log.ts';
import { LogCollector } from '../../uc/log-collector.ts';
import type { UcEnd } from '../../uc/uc-end.ts';
import { isRefusal } from '../function/capture-attempts.ts';
import { ACTION_DIR, mountCode } from '../function/code-image.ts';
import { type FunctionRecord, FunctionUc } from '../function/function-record.ts';
import { addCheckpoint, findHalfwayPoint } from '../function/halfway.ts';
import type { RunningInvocation } from '../function/running.ts';
import { nextSeed } from '../function/seed.ts';
import type { Start } from '../function/start.ts';
import { type Deployed, deploySnapshot } from './deploy.ts';
import { keepFunctionSnapshot } from './function-snapshot.ts';
import { type LeadingInvocation, lead } from './lead.ts';
import { initOutcome, maxLineBytes, type Outcome, runOutcome } from './outcome.ts';
import type { NodeParts, Timings } from './parts.ts';
import type { Place } from './place.ts';

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
export class Invocation {
  readonly timings: Timings = { waitMs: 0, runMs: 0, totalMs: 0 };
  readonly logs: LogCollector;
  readonly #node: NodeParts;
  readonly #record: FunctionRecord;
  readonly #action: Action;
  readonly #options: InvokeOptions;
  readonly #running: RunningInvocation | undefined;
  readonly #params: JsonText;
  readonly #trace: CallTrace | undefined;
  #path: StartPath = 'cold';
  #restless = 0;

  constructor(
    node: NodeParts,
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
    this.#trace = record.trace && new CallTrace(options.id, record.trace);
  }

  acquire(): Start | Promise<Start> {
    const halfway = findHalfwayPoint(this.#record.halfwayPoints, this.#params);
    return this.#node.dispatcher.acquire(this.#record, this.#options.signal, halfway);
  }

  /**
   * Undefined: the UC is lost, nothing has run, and another start has to serve.
   * @throws PlatformError when the platform failed: `mayStartAgain` tells whether the function had not begun
   */
  drive(start: Start, place: Place): Promise<Outcome | undefined> {
    if (this.#running !== undefined) {
      this.#running.path = start.path;
    }
    this.#path = start.path;
    switch (start.path) {
      case 'hot':
        return start.promote ? this.#promote(start.uc, place) : this.#run(start.uc, place);
      case 'warm':
      case 'argument':
        return this.#deployed(start, place);
      case 'cold':
        return this.#cold(place, start.leads);
    }
  }

  #deployed(start: Extract<Start, { hold: SnapshotHold }>, place: Place): Promise<Outcome> {
    // When this returns the deploy has begun, and holds the snapshot by itself.
    using hold = start.hold;
    const { snapshot } = hold;
    if (start.path === 'argument') {
      return this.#argument(place, snapshot);
    }
    return start.leadsTo === undefined
      ? this.#warm(place, snapshot)
      : lead(this.#leading(place), snapshot, start.leadsTo);
  }

  async #run(uc: FunctionUc, place: Place): Promise<Outcome | undefined> {
    const id = ++lastRun;
    const seed = this.#seedAfterReset(uc);
    const begun = performance.now();
    const reply = await this.#exchange(uc, this.#runText(id, seed), id);
    if (reply.type === 'ended' && reply.end.type === 'restless' && ++this.#restless <= RESTLESS_MAX) {
      return undefined;
    }
    // The capture may have begun, or ended, before this node heard of the code.
    this.timings.runMs = Math.max(0, performance.now() - begun - (this.timings.captureMs ?? 0));
    return this.#conclude(place, this.#runOutcome(reply, id, seed !== undefined));
  }

  /** The message goes out along with the promotion, and waits in the tender for its end. */
  async #promote(uc: FunctionUc, place: Place): Promise<Outcome | undefined> {
    const id = ++lastRun;
    const seed = this.#seedAfterReset(uc);
    const begun = performance.now();
    const promoted = uc.tender.promote(uc.id);
    const exchanged = this.#exchange(uc, this.#runText(id, seed), id);
    try {
      this.timings.deployMs = (await promoted).deployNs / 1e6;
    } catch (error) {
      uc.fail(error);
      return undefined;
    } finally {
      place.started();
    }
    const reply = await exchanged;
    this.timings.runMs = performance.now() - begun - this.timings.deployMs;
    return this.#conclude(place, this.#runOutcome(reply, id, seed !== undefined));
  }

  #warm(place: Place, snapshot: Snapshot): Promise<Outcome> {
    const id = ++lastRun;
    return this.#startFrom(place, snapshot, id, this.#runText(id, nextSeed()));
  }

  #argument(place: Place, snapshot: Snapshot): Promise<Outcome> {
    const id = ++lastRun;
    return this.#startFrom(
      place,
      snapshot,
      id,
      resumeMessage(id, this.#params.text, this.#env(), nextSeed()),
    );
  }

  /** `text` is the message that the UC in the snapshot waits for. */
  async #startFrom(place: Place, snapshot: Snapshot, id: number, text: string): Promise<Outcome> {
    this.#node.snapshots.touch(snapshot);
    const begun = performance.now();
    let deployed: Deployed;
    try {
      deployed = await this.#deploy(place, snapshot, (uc) => this.#exchange(uc, text, id));
    } finally {
      place.started();
    }
    const reply = await deployed.reply;
    this.timings.runMs = performance.now() - begun - (this.timings.deployMs ?? 0);
    return this.#conclude(place, this.#runOutcome(reply, id, true));
  }

  async #cold(place: Place, leads: boolean): Promise<Outcome | undefined> {
    let awaited: AwaitedCapture | undefined;
    let kept: Promise<void> | undefined;
    let begun = true;
    try {
      const loaded = await this.#load(place, (uc) => {
        awaited = this.#capture(uc);
      });
      if (!(loaded instanceof FunctionUc)) {
        return loaded;
      }
      kept = awaited && this.#keep(awaited);
      const outcome = await this.#run(loaded, place);
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

  /**
   * A UC that has loaded the function's code, or why there is none. `sent`: the UC has been sent
   * its code.
   */
  async #load(place: Place, sent: (uc: FunctionUc) => void): Promise<FunctionUc | Outcome> {
    const { main, env, code, limits } = this.#action;
    try {
      const what: DriverCode = code.type === 'source' ? code : { type: 'dir', dir: ACTION_DIR };
      const specialize = this.#action.policy.specialize.length > 0;
      const text = initMessage(main, what, env, nextSeed(), specialize);
      const begun = performance.now();
      let mounted: Promise<UcEnd | undefined> | undefined;
      const { uc, reply } = await this.#deploy(place, this.#record.runtime.snapshot, (fresh) => {
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
      return outcome === undefined ? uc : this.#conclude(place, outcome);
    } finally {
      place.started();
    }
  }

  /** With the first message. */
  async #deploy(
    place: Place,
    snapshot: Snapshot,
    first: (uc: FunctionUc) => Promise<Reply>,
  ): Promise<Deployed> {
    const { memoryBytes } = this.#action.limits;
    const deployed = await deploySnapshot(this.#node, place, snapshot, this.#record, memoryBytes, first);
    this.timings.deployMs = deployed.deployMs;
    deployed.uc.halfway = snapshot.kind === 'argument';
    return deployed;
  }

  /**
   * Asks for the function's snapshot of a UC that is about to load its code. The run message, which
   * follows the answer at once, is taken when the UC goes on. Undefined: there is one, nobody wants
   * it, or its like has failed lately.
   */
  #capture(uc: FunctionUc): AwaitedCapture | undefined {
    const record = this.#record;
    if (record.snapshot !== undefined || record.forgotten || !record.attempts.isDue(performance.now())) {
      return undefined;
    }
    const number = this.#node.cores.nextSnapshot();
    const captured = uc.tender.captureAtAnswer(uc.id, number);
    this.#node.budget.awaitCopy(uc, captured);
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
  #leading(place: Place): LeadingInvocation {
    return {
      node: this.#node,
      place,
      record: this.#record,
      action: this.#action,
      timings: this.timings,
      logs: this.logs,
      value: this.#params.text,
      env: this.#env(),
      nextId: () => ++lastRun,
      runText: (...args) => this.#runText(...args),
      deploy: (...args) => this.#deploy(place, ...args),
      exchange: (...args) => this.#exchange(...args),
      conclude: (outcome) => this.#conclude(place, outcome),
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
      trace: this.#trace,
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

  /**
   * Whether the UC goes on after this outcome.
   * @throws PlatformError if that is the outcome
   */
  #conclude(place: Place, outcome: Outcome | PlatformError): Outcome {
    const { uc, core } = place;
    if (outcome instanceof PlatformError) {
      throw outcome;
    }
    core.answered = core.answered || uc?.end?.type !== 'lost';
    if (outcome.checkpoint === true) {
      addCheckpoint(this.#record.halfwayPoints);
    }
    if (uc !== undefined && outcome.reusable && isOfUse(uc)) {
      place.keep();
      if (uc.record.startsFrom === 'reuse') {
        this.#node.recapturer.note(uc, this.#action, this.#params.text, this.#path, this.timings.runMs);
      }
    }
    return outcome;
  }
}

function isOfUse(uc: FunctionUc): boolean {
  return uc.end === undefined && !uc.record.forgotten && !uc.halfway;
}
