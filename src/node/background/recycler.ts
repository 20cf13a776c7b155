import type { FunctionRecord, FunctionUc } from '../function/function-record.ts';
import type { Dispatcher } from '../invoke/dispatcher.ts';

/** A reset takes less, unless the UC has more to do after its answer: collect garbage, close what is left. */
const SOON_MS = 2;

interface RecyclerOptions {
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
  /** UCs that are being put back; they have kept their places. */
  readonly resetting = new Set<FunctionUc>();

  constructor(options: RecyclerOptions) {
    this.#options = options;
  }

  take(uc: FunctionUc): void {
    switch (uc.record.startsFrom) {
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
    const expected = this.#expect(record);
    this.resetting.add(uc);
    const fit = await uc.reset().then(
      () => true,
      () => false,
    );
    this.resetting.delete(uc);
    expected.end();
    if (fit && uc.end === undefined && uc.origin === record.snapshot && !record.forgotten) {
      this.#release(uc);
    } else {
      this.#end(uc);
    }
  }

  /** Lets invocations wait for a UC of the function for a while, rather than to deploy another. */
  #expect(record: FunctionRecord): { end: () => void } {
    let waiting = true;
    const end = () => {
      record.resetting -= Number(waiting);
      waiting = false;
      clearTimeout(timer);
    };
    const timer = setTimeout(() => {
      end();
      this.#options.dispatcher.reconsider();
    }, SOON_MS);
    record.resetting += 1;
    return { end };
  }

  #release(uc: FunctionUc): void {
    this.#options.dispatcher.release(uc);
    if (uc.isIdle) {
      this.#options.onIdle(uc);
    }
  }

  #end(uc: FunctionUc): void {
    this.#options.dispose(uc);
    this.#options.dispatcher.lost(uc.core);
  }
}
