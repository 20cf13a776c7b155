import type { Core } from '../../cores/cores.ts';
import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import { MemoryAccount } from './memory-account.ts';

/**
 * What a demoted UC is taken to keep until its tender says it: nothing is evicted for memory that
 * is about to be free.
 */
const REMAINS_BYTES = 64 * 1024;
/** How far down a function's stack a UC on a less busy core is looked for. */
const LOOK_BACK = 4;
/** How many of the longest unused functions compete for losing a UC. */
const CANDIDATES = 16;

/**
 * Idle UCs, with a process or demoted. Of one function the last used goes first, since its pages
 * are warm in the caches; of the longest unused functions the one whose UC takes most, for the time
 * that it was not used, loses it first.
 */
export class IdlePool {
  /** Functions with idle UCs, longest unused first, and when a UC of it became idle last. */
  readonly #functions = new Map<FunctionRecord, number>();
  /** UCs with a process that may be demoted, longest unused first. */
  readonly #live = new Map<Core, Set<FunctionUc>>();
  readonly #account: MemoryAccount;
  readonly #onPut: (uc: FunctionUc) => void;
  #count = 0;
  #demoted = 0;

  /** @param onPut hears of each UC that becomes idle */
  constructor(account = new MemoryAccount(), onPut: (uc: FunctionUc) => void = () => undefined) {
    this.#account = account;
    this.#onPut = onPut;
  }

  get count(): number {
    return this.#count;
  }

  /** How many of them have no process. */
  get demoted(): number {
    return this.#demoted;
  }

  /** Real bytes, as far as measured. */
  get bytes(): number {
    return this.#account.idle;
  }

  put(uc: FunctionUc): void {
    const { record } = uc;
    uc.isIdle = true;
    uc.idleSinceMs = performance.now();
    record.idle.push(uc);
    if (record.demotable) {
      this.live(uc.core).add(uc);
    }
    this.#functions.delete(record);
    this.#functions.set(record, uc.idleSinceMs);
    this.#count += 1;
    this.#account.update(uc);
    this.#onPut(uc);
  }

  /** One that can run at once. */
  take(record: FunctionRecord): FunctionUc | undefined {
    const { idle } = record;
    let best = idle.length - 1;
    for (let i = best - 1; i >= 0 && i > idle.length - 1 - LOOK_BACK; i--) {
      if (activeOn(idle[i]) < activeOn(idle[best])) {
        best = i;
      }
    }
    return best < 0 ? undefined : this.#removeAt(record.idle, best);
  }

  /** One that can run at once and passes the test, last used first. */
  takeWhere(record: FunctionRecord, fits: (uc: FunctionUc) => boolean): FunctionUc | undefined {
    const at = record.idle.findLastIndex(fits);
    return at < 0 ? undefined : this.#removeAt(record.idle, at);
  }

  /** One that has to be promoted, on a core that passes the test. */
  takeDemoted(record: FunctionRecord, fits: (core: Core) => boolean): FunctionUc | undefined {
    const at = record.demoted.findLastIndex((uc) => fits(uc.core));
    return at < 0 ? undefined : this.#removeAt(record.demoted, at);
  }

  /** An idle UC that died by itself, or was chosen to go. */
  remove(uc: FunctionUc): void {
    const list = uc.demoted ? uc.record.demoted : uc.record.idle;
    const at = list.indexOf(uc);
    if (at >= 0) {
      this.#removeAt(list, at);
    }
  }

  /** The UC that is missed least, to be killed. */
  takeOldest(): FunctionUc | undefined {
    const now = performance.now();
    let best: FunctionUc | undefined;
    let bestWorth = -1;
    let candidates = 0;
    for (const [{ demoted, idle }, lastMs] of this.#functions) {
      const uc = demoted[0] ?? idle[0];
      const worth = uc === undefined ? -1 : uc.bytes * (now - lastMs);
      if (worth > bestWorth) {
        best = uc;
        bestWorth = worth;
      }
      if (++candidates === CANDIDATES) {
        break;
      }
    }
    return best === undefined ? undefined : this.#end(best);
  }

  /** The UC with a process that is missed least, to be killed. */
  takeOldestLive(): FunctionUc | undefined {
    for (const { idle } of this.#functions.keys()) {
      if (idle[0] !== undefined) {
        return this.#end(idle[0]);
      }
    }
    return undefined;
  }

  /** To be killed. */
  takeAll(record: FunctionRecord): FunctionUc[] {
    const taken = [...record.demoted, ...record.idle];
    return taken.map((uc) => this.#end(uc));
  }

  /** Corrects the account by a measurement of one of the function's idle UCs that have a process. */
  setIdleBytes(record: FunctionRecord, bytes: number): void {
    record.idleBytes = bytes;
    record.measured = true;
    for (const uc of record.idle) {
      this.#account.update(uc);
    }
  }

  /** UCs of a core that may be demoted, longest unused first. */
  live(core: Core): Set<FunctionUc> {
    let live = this.#live.get(core);
    if (live === undefined) {
      live = new Set();
      this.#live.set(core, live);
    }
    return live;
  }

  /** Its demotion is under way: from now on whoever takes it has to promote it. */
  setDemoted(uc: FunctionUc): void {
    const { record } = uc;
    record.idle.splice(record.idle.indexOf(uc), 1);
    record.demoted.push(uc);
    this.live(uc.core).delete(uc);
    uc.demoted = true;
    uc.remainsBytes = Math.min(record.idleBytes, REMAINS_BYTES);
    this.#account.update(uc);
    this.#demoted += 1;
  }

  /** It is demoted; it may have been taken meanwhile. */
  setRemainsBytes(uc: FunctionUc, bytes: number): void {
    // Its next process begins with nothing.
    uc.toldBytes = undefined;
    uc.remainsBytes = bytes;
    this.#account.update(uc);
  }

  /** It has kept its process after all, and is not asked again before its next use. */
  setLive(uc: FunctionUc): void {
    const { record } = uc;
    if (!uc.demoted) {
      return;
    }
    record.demoted.splice(record.demoted.indexOf(uc), 1);
    record.idle.unshift(uc);
    uc.demoted = false;
    this.#demoted -= 1;
    this.#account.update(uc);
  }

  /** It goes, and is to be killed. */
  #end(uc: FunctionUc): FunctionUc {
    uc.ending = true;
    this.remove(uc);
    return uc;
  }

  #removeAt(list: FunctionUc[], at: number): FunctionUc | undefined {
    const uc = at === list.length - 1 ? list.pop() : list.splice(at, 1)[0];
    if (uc === undefined) {
      return undefined;
    }
    const { record } = uc;
    uc.isIdle = false;
    this.#count -= 1;
    this.#demoted -= Number(uc.demoted);
    uc.demoted = false;
    this.#account.update(uc);
    this.live(uc.core).delete(uc);
    if (record.idle.length + record.demoted.length === 0) {
      this.#functions.delete(record);
    }
    return uc;
  }
}

function activeOn(uc: FunctionUc | undefined): number {
  return uc === undefined ? Number.POSITIVE_INFINITY : uc.core.active;
}
