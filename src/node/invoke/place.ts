import type { Core } from '../../cores/cores.ts';
import type { Apart } from '../function/charge.ts';
import type { FunctionUc } from '../function/function-record.ts';
import type { Start } from '../function/start.ts';
import type { MemoryAccount } from '../idle/memory-account.ts';
import type { Dispatcher } from './dispatcher.ts';

/** Where places go back to. */
interface PlaceOwner {
  readonly dispatcher: Pick<Dispatcher, 'startDone' | 'lost'>;
  readonly account: Pick<MemoryAccount, 'settle'>;
  /** A UC has answered and may serve the next invocation, as its action's policy has it; with its place. */
  release(uc: FunctionUc): void;
  /** Kills a UC and does not wait for it. */
  dispose(uc: FunctionUc): void;
}

/**
 * A place among the active UCs of a core, from the moment when it was taken, and the UC that works
 * there once there is one. Who has it gives it back in a `finally`, whatever came of the work.
 */
export class Place {
  readonly core: Core;
  readonly takenMs = performance.now();
  readonly #places: Places;
  #uc: FunctionUc | undefined;
  #isStarting: boolean;
  #isKept = false;
  #apart: Apart | undefined;

  /** @param apart what is set apart for the UC that comes */
  constructor(
    places: Places,
    core: Core,
    isStarting: boolean,
    uc: FunctionUc | undefined,
    apart: Apart | undefined,
  ) {
    this.#places = places;
    this.core = core;
    this.#isStarting = isStarting;
    this.#uc = uc;
    this.#apart = apart;
  }

  get uc(): FunctionUc | undefined {
    return this.#uc;
  }

  /** It is one that counts. */
  set uc(uc: FunctionUc | undefined) {
    this.#uc = uc;
    this.#settle();
  }

  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** The start, by promotion or deploy, is over: another one may begin on the core. */
  started(): void {
    if (this.#isStarting) {
      this.#isStarting = false;
      this.#places.owner.dispatcher.startDone(this.core);
    }
  }

  /** The UC is in order: it is not to end with the place. */
  keep(): void {
    this.#isKept = true;
  }

  /** Once; the second time nothing happens. */
  giveBack(): void {
    const { owner, open } = this.#places;
    if (!open.delete(this)) {
      return;
    }
    try {
      this.#settle();
      this.started();
    } finally {
      if (this.uc !== undefined && this.#isKept && this.uc.end === undefined) {
        owner.release(this.uc);
      } else {
        this.#lose(owner);
      }
    }
  }

  #settle(): void {
    if (this.#apart !== undefined) {
      this.#places.owner.account.settle(this.#apart, this.#uc);
      this.#apart = undefined;
    }
  }

  #lose(owner: PlaceOwner): void {
    try {
      if (this.uc !== undefined) {
        owner.dispose(this.uc);
      }
    } finally {
      owner.dispatcher.lost(this.core);
    }
  }
}

/** All places that are taken. */
export class Places {
  readonly owner: PlaceOwner;
  readonly open = new Set<Place>();

  constructor(owner: PlaceOwner) {
    this.owner = owner;
  }

  /** That which the dispatcher gave to an invocation. */
  of(start: Start): Place {
    return start.path === 'hot'
      ? this.#add(start.uc.core, start.promote, start.uc)
      : this.#add(start.core, true, undefined, start.apart);
  }

  /** Of a start that the dispatcher let begin at once. */
  starting(core: Core): Place {
    return this.#add(core, true, undefined);
  }

  /** Of an idle UC that was borrowed. */
  holding(uc: FunctionUc): Place {
    return this.#add(uc.core, false, uc);
  }

  /** One more on the core, for the node's own ends. */
  take(core: Core): Place {
    core.active += 1;
    return this.#add(core, false, undefined);
  }

  #add(core: Core, isStarting: boolean, uc: FunctionUc | undefined, apart?: Apart): Place {
    const place = new Place(this, core, isStarting, uc, apart);
    this.open.add(place);
    return place;
  }
}
