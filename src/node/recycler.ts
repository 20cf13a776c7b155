import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf } from '../tender/tender.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { FunctionUc } from './function-record.ts';

const EBUSY = 16;
/** A UC may be on its way to rest for a while after its answer: collecting garbage, closing what is left. */
const RETRIES_MS = [2, 8, 32];

export interface RecyclerOptions {
  readonly dispatcher: Dispatcher;
  /** Kills a UC and does not wait for it. */
  readonly dispose: (uc: FunctionUc) => void;
  /** A UC has become idle. */
  readonly onIdle: (uc: FunctionUc) => void;
}

/**
 * What becomes of a UC that has answered: by its action's policy it goes on as it is, is put back to the
 * function's snapshot first, or ends. Nobody waits for its answer any more.
 */
export class Recycler {
  readonly #options: RecyclerOptions;

  constructor(options: RecyclerOptions) {
    this.#options = options;
  }

  take(uc: FunctionUc): void {
    switch (uc.record.state) {
      case 'reuse':
        this.#release(uc);
        return;
      case 'reset':
        this.#reset(uc);
        return;
      case 'fresh':
        this.#end(uc);
        return;
    }
  }

  /** One that comes from another snapshot, as the first of a function does, has nothing to be put back to. */
  #reset(uc: FunctionUc): void {
    const { record } = uc;
    if (uc.origin === undefined || uc.origin !== record.snapshot) {
      this.#end(uc);
      return;
    }
    const done = this.#putBack(uc).finally(() => record.resets.delete(done));
    record.resets.add(done);
  }

  async #putBack(uc: FunctionUc): Promise<void> {
    const { record } = uc;
    record.resetting += 1;
    let outcome = await attempt(uc);
    record.resetting -= 1;
    if (outcome === 'busy') {
      // Who waits for it need not wait for this.
      this.#options.dispatcher.reconsider();
      outcome = await retry(uc);
    }
    if (outcome === 'done' && uc.end === undefined && !record.forgotten) {
      this.#release(uc);
    } else {
      this.#end(uc);
    }
  }

  #release(uc: FunctionUc): void {
    this.#options.dispatcher.release(uc);
    if (uc.state === 'idle') {
      this.#options.onIdle(uc);
    }
  }

  #end(uc: FunctionUc): void {
    this.#options.dispose(uc);
    this.#options.dispatcher.lost(uc.core);
  }
}

type Attempt = 'done' | 'busy' | 'failed';

async function attempt(uc: FunctionUc): Promise<Attempt> {
  try {
    await uc.reset();
    return 'done';
  } catch (error) {
    return uc.end === undefined && errnoOf(error) === EBUSY ? 'busy' : 'failed';
  }
}

async function retry(uc: FunctionUc): Promise<Attempt> {
  for (const ms of RETRIES_MS) {
    await pause(ms, undefined, { ref: false });
    const outcome = await attempt(uc);
    if (outcome !== 'busy') {
      return outcome;
    }
  }
  return 'busy';
}
