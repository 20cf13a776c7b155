import { type Apart, type Charge, SMALL_BYTES } from '../function/charge.ts';
import type { FunctionUc } from '../function/function-record.ts';

/** A function's expected bytes come down by one part in so many with each run that takes less. */
const FORGETTING_RUNS = 8;

/**
 * The memory of all UCs of a node, by what they do. One that runs claims what its function has
 * taken before, or what it takes if that is more.
 */
export class MemoryAccount {
  #running = 0;
  #claimed = 0;
  #ending = 0;
  #idle = 0;
  #runners = 0;
  #begun = 0;
  #late = 0;
  #wait = 0;
  /** UCs that run and have grown, the last one at the end. */
  readonly #grown = new Set<FunctionUc>();
  /** A single UC claims no more than that. */
  claimMax = Number.POSITIVE_INFINITY;

  /** Bytes of UCs that run. */
  get running(): number {
    return this.#running;
  }

  /** The same, with what is set apart for them. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Bytes of UCs that were killed and are not gone yet. */
  get ending(): number {
    return this.#ending;
  }

  get idle(): number {
    return this.#idle;
  }

  /** UCs that run. */
  get runners(): number {
    return this.#runners;
  }

  /** Bytes set apart for starts that have no UC yet. */
  get begun(): number {
    return this.#begun;
  }

  /** What is claimed by, or set apart for, those that were admitted since `setWait`. */
  get late(): number {
    return this.#late;
  }

  /** What a UC of the function would claim. */
  claimOf(uc: Pick<FunctionUc, 'record'>): number {
    return Math.min(uc.record.expectedBytes, this.claimMax);
  }

  /** A start waits for memory; `waiting`: whoever begins from now on is late. */
  setWait(waiting: boolean): void {
    this.#wait = waiting ? Math.abs(this.#wait) + 1 : -Math.abs(this.#wait);
    this.#late = 0;
  }

  /** For a start that was admitted, until `settle`. */
  setApart(bytes: number): Apart {
    const apart = { bytes, wait: this.#wait };
    this.#begun += bytes;
    this.#late += this.#lateOf(apart.wait, bytes);
    return apart;
  }

  /** The start's UC counts by itself now, or there will be none. */
  settle(apart: Apart, uc: FunctionUc | undefined): void {
    this.#begun -= apart.bytes;
    this.#late -= this.#lateOf(apart.wait, apart.bytes);
    if (uc?.charge?.kind === 'running') {
      this.#add(uc.charge, -1);
      uc.charge = { ...uc.charge, wait: apart.wait };
      this.#add(uc.charge, 1);
    }
  }

  /** Something has changed about the UC: what it does, or how much it takes. */
  update(uc: FunctionUc): void {
    const before = uc.charge;
    const after = this.#chargeOf(uc, before);
    this.#add(before, -1);
    this.#add(after, 1);
    uc.charge = after;
    if (before?.kind === 'running' && after?.kind !== 'running') {
      this.#grown.delete(uc);
      learn(uc);
    }
  }

  /** It takes that much now. */
  grew(uc: FunctionUc, bytes: number): void {
    const grew = bytes > (uc.toldBytes ?? 0);
    uc.toldBytes = bytes;
    this.update(uc);
    if (uc.charge?.kind !== 'running') {
      return;
    }
    uc.peakBytes = Math.max(uc.peakBytes, bytes);
    uc.record.expectedBytes = Math.max(uc.record.expectedBytes, bytes);
    if (grew) {
      this.#grown.delete(uc);
      this.#grown.add(uc);
    }
  }

  /**
   * The UC that has to go when those that run take too much: the one that grew last. Small ones,
   * and those that take no more than was expected when they began, are spared as long as there are
   * others.
   */
  get outgrown(): FunctionUc | undefined {
    const grown = [...this.#grown].reverse();
    return (
      grown.find((uc) => uc.bytes > Math.max(uc.admittedBytes, SMALL_BYTES)) ??
      grown.find((uc) => uc.bytes > SMALL_BYTES) ??
      grown[0]
    );
  }

  #chargeOf(uc: FunctionUc, before: Charge | undefined): Charge | undefined {
    if (uc.end !== undefined) {
      return undefined;
    }
    const { bytes } = uc;
    if (uc.ending) {
      return { kind: 'ending', bytes, claim: 0, wait: 0 };
    }
    if (uc.isIdle) {
      return { kind: 'idle', bytes, claim: 0, wait: 0 };
    }
    if (before?.kind === 'running') {
      return { ...before, bytes, claim: Math.max(bytes, uc.admittedBytes) };
    }
    uc.admittedBytes = this.claimOf(uc);
    uc.peakBytes = bytes;
    return { kind: 'running', bytes, claim: Math.max(bytes, uc.admittedBytes), wait: this.#wait };
  }

  #add(charge: Charge | undefined, sign: 1 | -1): void {
    if (charge === undefined) {
      return;
    }
    const bytes = sign * charge.bytes;
    switch (charge.kind) {
      case 'idle':
        this.#idle += bytes;
        return;
      case 'ending':
        this.#ending += bytes;
        return;
      case 'running':
        this.#running += bytes;
        this.#runners += sign;
        this.#claimed += sign * charge.claim;
        this.#late += this.#lateOf(charge.wait, sign * charge.claim);
    }
  }

  #lateOf(wait: number, bytes: number): number {
    return this.#wait > 0 && wait === this.#wait ? bytes : 0;
  }
}

/**
 * What a function takes is expected to be what it took at most, and less only after many runs that
 * took less.
 */
function learn({ record, peakBytes }: FunctionUc): void {
  const { expectedBytes } = record;
  record.expectedBytes =
    record.isKnown || expectedBytes > SMALL_BYTES
      ? Math.max(peakBytes, expectedBytes - (expectedBytes - peakBytes) / FORGETTING_RUNS)
      : peakBytes;
  record.isKnown = true;
}
