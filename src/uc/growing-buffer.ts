/** Memory of a line begins with so much. */
const FIRST_BYTES = 256;
/** Of one piece of memory. */
const PIECE_BYTES_MAX = 256 * 1024;

/**
 * Bytes that are added part by part, however small those are. It grows piece by piece: one piece
 * that is copied into a larger one again and again would have the node collect its garbage for it.
 */
export class GrowingBuffer {
  // Not out of a pool: what is kept for long would keep a whole pool alive.
  #pieces: Buffer[] = [];
  /** Bytes of the last piece that are used; all others are full. */
  #used = 0;
  #length = 0;
  #capacity = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory. */
  get capacity(): number {
    return this.#capacity;
  }

  /** A view of all, valid until something is added. */
  get bytes(): Buffer {
    if (this.#pieces.length > 1) {
      this.#join();
    }
    return (this.#pieces[0] ?? EMPTY).subarray(0, this.#length);
  }

  /** Copies `part`. */
  add(part: Buffer): void {
    for (let done = 0; done < part.length; ) {
      let last = this.#pieces.at(-1);
      if (last === undefined || this.#used === last.length) {
        last = this.#grow();
      }
      const copied = part.copy(last, this.#used, done);
      this.#used += copied;
      done += copied;
    }
    this.#length += part.length;
  }

  clear(): void {
    this.#pieces = [];
    this.#used = this.#length = this.#capacity = 0;
  }

  /** Gives back memory that is not used. */
  trim(): void {
    if (this.#capacity > this.#length) {
      this.#join();
    }
  }

  #grow(): Buffer {
    const piece = Buffer.allocUnsafeSlow(Math.min(Math.max(FIRST_BYTES, this.#capacity), PIECE_BYTES_MAX));
    this.#pieces.push(piece);
    this.#used = 0;
    this.#capacity += piece.length;
    return piece;
  }

  #join(): void {
    const all = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      at += piece.copy(all, at);
      release(piece);
    }
    this.#pieces = [all];
    this.#used = this.#capacity = this.#length;
  }
}

const EMPTY = Buffer.alloc(0);

/** Gives its memory back now: garbage would be collected some megabytes later. */
function release(piece: Buffer): void {
  (piece.buffer as ArrayBuffer).transfer(0);
}
