import { ApiError } from '../errors.ts';

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Bounds the bytes that requests hold at a time. Who finds no room waits for it, first come, first
 * served.
 */
export class ByteGate {
  readonly #maxBytes: number;
  readonly #queueMax: number;
  readonly #waitMs: number;
  readonly #queue: Waiting[] = [];
  #bytes = 0;

  /** @param queueMax how many may wait, each for `waitMs` at most */
  constructor(maxBytes: number, queueMax = 0, waitMs = 0) {
    this.#maxBytes = maxBytes;
    this.#queueMax = queueMax;
    this.#waitMs = waitMs;
  }

  /**
   * Resolves when there is room. What is more than the whole gate passes alone.
   * @returns gives the room back; to be called once
   * @throws ApiError 429
   */
  async enter(bytes: number): Promise<() => void> {
    if (!this.#hasRoom(bytes)) await this.#wait(bytes);
    else this.#bytes += bytes;
    return () => this.#leave(bytes);
  }

  /** As `enter`, without waiting. */
  enterNow(bytes: number): () => void {
    if (!this.#hasRoom(bytes)) throw busy();
    this.#bytes += bytes;
    return () => this.#leave(bytes);
  }

  #hasRoom(bytes: number): boolean {
    return this.#queue.length === 0 && this.#fits(bytes);
  }

  async #wait(bytes: number): Promise<void> {
    if (this.#queue.length >= this.#queueMax) throw busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { bytes, enter: resolve };
    const timer = setTimeout(() => {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      reject(busy());
      this.#admit();
    }, this.#waitMs);
    this.#queue.push(waiting);
    await promise.finally(() => clearTimeout(timer));
  }

  #leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift();
      this.#bytes += next.bytes;
      next.enter();
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }
}

function busy(): ApiError {
  return new ApiError(429, 'Too many requests with large bodies are under way; try again.');
}
