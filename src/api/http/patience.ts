/** How often is looked: a body is given up so much later than it might be. */
const LOOK_MS = 500;

/**
 * Looks from time to time at all that is waited for. One timer for all costs a request less than
 * one of its own.
 */
export class Patience {
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param look is called every now and then until `leave` */
  enter(look: () => void): void {
    this.#waiting.add(look);
    this.#timer ??= setInterval(() => this.#lookAtAll(), LOOK_MS).unref();
  }

  leave(look: () => void): void {
    this.#waiting.delete(look);
  }

  #lookAtAll(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const look of this.#waiting) look();
  }
}
