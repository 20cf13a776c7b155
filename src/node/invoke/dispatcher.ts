import { PlatformError } from '../../contract/errors.ts';
import { type Core, leastLoaded, leastLoadedAside } from '../../cores/cores.ts';
import { type Snapshot, SnapshotHold } from '../../snapshot/snapshot.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { HalfwayPoint } from '../function/halfway.ts';
import type { Start, Ticket } from '../function/start.ts';
import type { Admission } from '../idle/admission.ts';
import type { IdlePool } from '../idle/idle-pool.ts';

/** Starts are work of the CPU alone: more at once on a core only delays the first. */
const STARTS_PER_CORE = 2;
/** Functions also wait for timers and the network, so many may run at once. */
const ACTIVE_PER_CORE = 1024;
/** Waiting invocations per core before new ones are turned away. */
const QUEUE_PER_CORE = 2048;

/** Of one core. */
interface Limits {
  readonly startsPerCore: number;
  readonly activePerCore: number;
  readonly queuePerCore: number;
}

const LIMITS: Limits = {
  startsPerCore: STARTS_PER_CORE,
  activePerCore: ACTIVE_PER_CORE,
  queuePerCore: QUEUE_PER_CORE,
};

interface DispatcherOptions extends Partial<Limits> {
  /** Without it nobody waits for memory. */
  readonly admission?: Admission<Ticket>;
}

/**
 * Chooses the starting point and the core of each invocation. An argument snapshot that matches
 * goes before all others, and the first invocation that matches brings it, unless it is what starts
 * cold. Then, an idle UC serves at once. Without one, an invocation queues for a start, and takes
 * whatever is first: a UC of its function that comes free, or a slot to promote a demoted one or
 * deploy a snapshot. While the first cold start of a function is under way its other invocations
 * wait for the snapshot that it brings, instead of doing the same work beside it. For a UC that is
 * being reset an invocation waits too: that takes less than a deploy. So does one whose memory
 * others have (src/node/idle/admission.ts).
 */
export class Dispatcher {
  readonly #cores: readonly Core[];
  readonly #idle: IdlePool;
  readonly #admission: Admission<Ticket> | undefined;
  readonly #limits: Limits;
  /** In the order of arrival. */
  readonly #tickets = new Set<Ticket>();

  constructor(cores: readonly Core[], idle: IdlePool, options: DispatcherOptions = {}) {
    const { admission, ...limits } = options;
    this.#cores = cores;
    this.#idle = idle;
    this.#admission = admission;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Invocations that have no UC yet. */
  get queued(): number {
    return this.#tickets.size;
  }

  get active(): number {
    return this.#cores.reduce((sum, core) => sum + core.active, 0);
  }

  /** @throws PlatformError `overloaded`, `aborted` */
  acquire(record: FunctionRecord, signal?: AbortSignal, halfway?: HalfwayPoint): Start | Promise<Start> {
    const hot = this.#takeIdle(record, halfway, undefined);
    if (hot !== undefined) {
      return hot;
    }
    if (this.#tickets.size >= this.#limits.queuePerCore * this.#cores.length) {
      throw new PlatformError('overloaded', `${this.#tickets.size} invocations are waiting already`, {
        remedy: 'try again later',
      });
    }
    // A free slot means that nobody who could use it waits.
    const waits = waitsForUc(record, halfway, record.waiting.length);
    const start = waits ? undefined : this.#begin(record, halfway, undefined);
    return start ?? this.#wait(record, halfway, signal);
  }

  /**
   * A slot ahead of the queue, on the least loaded core: for what an operator asks for.
   * @throws PlatformError `overloaded`
   */
  startAtOnce(): Core {
    const core = leastLoaded(this.#cores);
    if (!core.up) {
      throw new PlatformError('overloaded', 'the tenders are being replaced', { remedy: 'try again' });
    }
    if (core.active >= this.#limits.activePerCore) {
      throw new PlatformError('overloaded', `${core.active} invocations are running on the core`, {
        remedy: 'try again later',
      });
    }
    core.starting += 1;
    core.active += 1;
    return core;
  }

  /** An idle UC for work that no client waits for; `release` gives it back. */
  borrow(record: FunctionRecord, fits: (uc: FunctionUc) => boolean): FunctionUc | undefined {
    const uc = this.#idle.takeWhere(record, fits);
    if (uc !== undefined) {
      uc.core.active += 1;
    }
    return uc;
  }

  /** The start of an invocation on this core, by promotion or deploy, is over: it runs now, or failed. */
  startDone(core: Core): void {
    core.starting -= 1;
    this.#pump();
  }

  /** The first cold start of a function brought its snapshot, or did not. */
  coldDone(record: FunctionRecord, snapshot: Snapshot | undefined): void {
    record.snapshot = snapshot;
    record.cold = snapshot === undefined ? 'failed' : 'none';
    this.#pump();
  }

  /**
   * The function's snapshot came out of the store, or did not: then the next start is a cold one
   * that leads.
   */
  restoreDone(record: FunctionRecord, snapshot: Snapshot | undefined): void {
    record.snapshot = snapshot;
    record.cold = 'none';
    this.#pump();
  }

  /** A UC has answered: it goes on with a waiting invocation of its function, or becomes idle. */
  release(uc: FunctionUc): void {
    const ticket = uc.record.waiting.find(({ record, halfway }) => !passesUcsBy(record, halfway));
    const first = this.#admission?.first;
    // A function whose invocations follow each other without end must not keep its memory from one
    // that waits for it.
    if (ticket !== undefined && (first === undefined || first === ticket)) {
      this.#settle(ticket);
      ticket.resolve({ path: 'hot', uc, promote: false });
      return;
    }
    this.#idle.put(uc);
    this.lost(uc.core);
  }

  /** A UC that was busy is busy no more, or gone. */
  lost(core: Core): void {
    core.active -= 1;
    this.#pump();
  }

  /** A UC that invocations waited for takes longer, or what they waited for is there. */
  reconsider(): void {
    this.#pump();
  }

  /** Turns every waiting invocation away. */
  rejectAll(error: PlatformError): void {
    for (const ticket of [...this.#tickets]) {
      this.#settle(ticket);
      ticket.reject(error);
    }
  }

  /** An idle UC that can run at once, if there is one and memory for its run. */
  #takeIdle(
    record: FunctionRecord,
    halfway: HalfwayPoint | undefined,
    ticket: Ticket | undefined,
  ): Start | undefined {
    const last = record.idle.at(-1);
    if (last === undefined || passesUcsBy(record, halfway) || !this.#admits(record, last.bytes, ticket)) {
      return undefined;
    }
    const uc = this.#idle.take(record);
    if (uc === undefined) {
      return undefined;
    }
    uc.core.active += 1;
    return { path: 'hot', uc, promote: false };
  }

  #admits(record: FunctionRecord, heldBytes: number, ticket: Ticket | undefined): boolean {
    return this.#admission?.admits(record, heldBytes, ticket) ?? true;
  }

  /**
   * Takes a slot and memory for a start; undefined when all are taken, or the slots of the cores
   * where the function has demoted UCs, which are worth that wait. `ticket`: it waits already.
   */
  #begin(
    record: FunctionRecord,
    halfway: HalfwayPoint | undefined,
    ticket: Ticket | undefined,
  ): Start | undefined {
    if (!passesUcsBy(record, halfway)) {
      const promotion = this.#beginPromotion(record, ticket);
      const { activePerCore } = this.#limits;
      if (promotion !== undefined || record.demoted.some(({ core }) => core.active < activePerCore)) {
        return promotion;
      }
    }
    const snapshot = halfway?.snapshot ?? record.snapshot;
    if (snapshot === undefined && record.runtime.coming !== undefined) {
      return undefined;
    }
    const core = snapshot === undefined ? leastLoadedAside(this.#cores) : leastLoaded(this.#cores);
    if (!this.#hasSlot(core) || !this.#admits(record, 0, ticket)) {
      return undefined;
    }
    const apart = this.#admission?.setApart(record);
    core.starting += 1;
    core.active += 1;
    if (halfway?.snapshot !== undefined) {
      return { path: 'argument', core, apart, hold: new SnapshotHold(halfway.snapshot) };
    }
    if (record.snapshot !== undefined) {
      const leadsTo = halfway?.lead === 'none' ? halfway : undefined;
      if (leadsTo !== undefined) {
        leadsTo.lead = 'starting';
      }
      return { path: 'warm', core, apart, hold: new SnapshotHold(record.snapshot), leadsTo };
    }
    const leads = record.cold === 'none';
    if (leads) {
      record.cold = 'starting';
    }
    return { path: 'cold', core, apart, leads };
  }

  #beginPromotion(record: FunctionRecord, ticket: Ticket | undefined): Start | undefined {
    const remains = record.demoted.findLast((uc) => this.#hasSlot(uc.core))?.remainsBytes;
    if (remains === undefined || !this.#admits(record, remains, ticket)) {
      return undefined;
    }
    const uc = this.#idle.takeDemoted(record, this.#hasSlot);
    if (uc === undefined) {
      return undefined;
    }
    uc.core.starting += 1;
    uc.core.active += 1;
    return { path: 'hot', uc, promote: true };
  }

  #wait(
    record: FunctionRecord,
    halfway: HalfwayPoint | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Start> {
    const { promise, resolve, reject } = Promise.withResolvers<Start>();
    const ticket: Ticket = { record, halfway, resolve, reject };
    this.#tickets.add(ticket);
    record.waiting.push(ticket);
    if (signal === undefined) {
      return promise;
    }
    const abort = (): void => {
      if (this.#settle(ticket)) {
        reject(new PlatformError('aborted', 'the invocation was aborted'));
      }
    };
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /**
   * Serves those who wait as far as there are slots; not those whose snapshot, runtime or UC is on
   * its way, or whose demoted UCs are on a core without one.
   */
  #pump(): void {
    if (this.#tickets.size === 0) {
      return;
    }
    const stuck = new Set<FunctionRecord>();
    const seen = new Map<FunctionRecord, number>();
    for (const ticket of this.#tickets) {
      if (!this.#cores.some(this.#hasSlot)) {
        return;
      }
      const ahead = seen.get(ticket.record) ?? 0;
      seen.set(ticket.record, ahead + 1);
      if (waitsForUc(ticket.record, ticket.halfway, ahead) || stuck.has(ticket.record)) {
        continue;
      }
      const { record, halfway } = ticket;
      const start = this.#takeIdle(record, halfway, ticket) ?? this.#begin(record, halfway, ticket);
      if (start === undefined) {
        stuck.add(ticket.record);
        continue;
      }
      this.#settle(ticket);
      ticket.resolve(start);
    }
  }

  /** Ends a ticket's wait; false if it had ended already. */
  #settle(ticket: Ticket): boolean {
    if (!this.#tickets.delete(ticket)) {
      return false;
    }
    this.#admission?.settle(ticket);
    const { waiting } = ticket.record;
    waiting.splice(waiting.indexOf(ticket), 1);
    return true;
  }

  readonly #hasSlot = (core: Core): boolean =>
    core.up && core.starting < this.#limits.startsPerCore && core.active < this.#limits.activePerCore;
}

/** UCs that have run are not for it: it starts from its argument snapshot, or brings that. */
function passesUcsBy(record: FunctionRecord, halfway: HalfwayPoint | undefined): boolean {
  return (
    halfway !== undefined &&
    (halfway.snapshot !== undefined || (halfway.lead === 'none' && record.snapshot !== undefined))
  );
}

/**
 * The function's snapshot, or a UC that is being reset, is on its way to an invocation with so many
 * ahead of it.
 */
function waitsForUc(record: FunctionRecord, halfway: HalfwayPoint | undefined, ahead: number): boolean {
  return record.cold === 'starting' || (ahead < record.resetting && !passesUcsBy(record, halfway));
}
