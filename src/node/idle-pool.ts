import type { FunctionRecord, FunctionUc } from './function-record.ts';

/** How far down a function's stack a UC on a less busy core is looked for. */
const LOOK_BACK = 4;

/**
 * Idle UCs. Of one function the last used goes first, since its pages are warm in the
 * caches; of all functions the longest unused one loses its UCs first.
 */
export class IdlePool {
  /** Functions with idle UCs, longest unused first. */
  readonly #functions = new Set<FunctionRecord>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Real bytes, as far as measured. */
  get bytes(): number {
    return this.#bytes;
  }

  put(uc: FunctionUc): void {
    const { record } = uc;
    uc.state = 'idle';
    record.idle.push(uc);
    this.#functions.delete(record);
    this.#functions.add(record);
    this.#count += 1;
    this.#bytes += record.idleBytes;
  }

  take(record: FunctionRecord): FunctionUc | undefined {
    const { idle } = record;
    let best = idle.length - 1;
    for (let i = best - 1; i >= 0 && i > idle.length - 1 - LOOK_BACK; i--) {
      if (activeOn(idle[i]) < activeOn(idle[best])) {
        best = i;
      }
    }
    return best < 0 ? undefined : this.#removeAt(record, best);
  }

  /** An idle UC that died by itself, or was chosen to go. */
  remove(uc: FunctionUc): void {
    const at = uc.record.idle.indexOf(uc);
    if (at >= 0) {
      this.#removeAt(uc.record, at);
    }
  }

  /** The UC that is missed least. */
  takeOldest(): FunctionUc | undefined {
    for (const record of this.#functions) {
      return this.#removeAt(record, 0);
    }
    return undefined;
  }

  takeAll(record: FunctionRecord): FunctionUc[] {
    const taken = [...record.idle];
    for (const uc of taken) {
      this.remove(uc);
    }
    return taken;
  }

  /** Corrects the account by a measurement of one of the function's idle UCs. */
  setIdleBytes(record: FunctionRecord, bytes: number): void {
    this.#bytes += (bytes - record.idleBytes) * record.idle.length;
    record.idleBytes = bytes;
    record.measured = true;
  }

  #removeAt(record: FunctionRecord, at: number): FunctionUc | undefined {
    const [uc] = record.idle.splice(at, 1);
    if (uc === undefined) {
      return undefined;
    }
    uc.state = 'busy';
    this.#count -= 1;
    this.#bytes -= record.idleBytes;
    if (record.idle.length === 0) {
      this.#functions.delete(record);
    }
    return uc;
  }
}

function activeOn(uc: FunctionUc | undefined): number {
  return uc === undefined ? Number.POSITIVE_INFINITY : uc.core.active;
}
