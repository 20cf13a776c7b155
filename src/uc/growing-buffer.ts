const FIRST_BYTES = 256;

/** Bytes that are added piece by piece, in one piece of memory, however small the pieces are. */
export class GrowingBuffer {
  // Not out of a pool: what is kept for long would keep a whole pool alive.
  #memory: Buffer | undefined;
  #used = 0;

  get length(): number {
    return this.#used;
  }

  /** Bytes of memory. */
  get capacity(): number {
    return this.#memory?.length ?? 0;
  }

  /** A view, valid until something is added. */
  get bytes(): Buffer {
    return (this.#memory ?? EMPTY).subarray(0, this.#used);
  }

  /** Copies `part`. */
  add(part: Buffer): void {
    const bytes = this.#used + part.length;
    const room = this.#memory?.length ?? 0;
    if (bytes > room) {
      this.#resize(Math.max(FIRST_BYTES, bytes, room * 2));
    }
    if (this.#memory !== undefined) {
      part.copy(this.#memory, this.#used);
    }
    this.#used = bytes;
  }

  clear(): void {
    this.#memory = undefined;
    this.#used = 0;
  }

  /** Gives back memory that is not used. */
  trim(): void {
    if (this.#memory !== undefined && this.#used < this.#memory.length) {
      this.#resize(this.#used);
    }
  }

  #resize(bytes: number): void {
    const memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory?.copy(memory, 0, 0, this.#used);
    this.#memory = memory;
  }
}

const EMPTY = Buffer.alloc(0);
