/** Waits for something until its time is over. */
export interface Waiting {
  timedOut(): void;
}

interface Row {
  /** When each is over, by performance.now(); the oldest first. */
  readonly waiting: Map<Waiting, number>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Many waits, of which hardly any ends by time. One timer serves all that may last equally long,
 * and stays set when none is left: setting and clearing one for each costs an invocation more than
 * all else about its time.
 */
export class Deadlines {
  readonly #rows = new Map<number, Row>();

  /** Until `forget`, `waiting` is told when it has lasted so long. */
  add(waiting: Waiting, ms: number): void {
    let row = this.#rows.get(ms);
    if (row === undefined) {
      row = { waiting: new Map(), timer: undefined };
      this.#rows.set(ms, row);
    }
    row.waiting.set(waiting, performance.now() + ms);
    row.timer ??= this.#look(row, ms, ms);
  }

  forget(waiting: Waiting, ms: number): void {
    this.#rows.get(ms)?.waiting.delete(waiting);
  }

  /** The timer holds no process: what is waited for does. */
  #look(row: Row, ms: number, afterMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#due(row, ms), Math.ceil(afterMs)).unref();
  }

  #due(row: Row, ms: number): void {
    row.timer = undefined;
    for (const [waiting, end] of row.waiting) {
      const left = end - performance.now();
      if (left > 0) {
        row.timer = this.#look(row, ms, left);
        return;
      }
      row.waiting.delete(waiting);
      waiting.timedOut();
    }
    this.#rows.delete(ms);
  }
}
