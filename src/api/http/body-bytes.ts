/** Memory for a body grows with what has come, from here by doubling up to a segment. */
const FIRST_BYTES = 16 * 1024;
const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Short ones lie together. Nobody gets the pieces of such a body. */
const POOLED_BYTES = 2048;

/**
 * A body as it arrives. The bytes are copied out of the chunks: a body that is sent byte by byte
 * would otherwise take a hundred times its length. Nothing is copied twice, however long it
 * becomes.
 */
export class BodyBytes {
  readonly #segments: Buffer[] = [];
  #filled = 0;
  #length = 0;

  /** @param declared length that the request says, 0 for none */
  constructor(declared: number) {
    if (declared > 0)
      this.#segments.push(
        declared > POOLED_BYTES ? Buffer.allocUnsafeSlow(declared) : Buffer.allocUnsafe(declared),
      );
  }

  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const segment = this.#room();
      const copied = chunk.copy(segment, this.#filled, at);
      this.#filled += copied;
      at += copied;
    }
    this.#length += chunk.length;
  }

  /** All of it, in pieces that nobody else has. */
  pieces(): Buffer[] {
    const last = this.#segments.length - 1;
    return this.#segments.map((segment, i) => (i < last ? segment : segment.subarray(0, this.#filled)));
  }

  /** All of it, in one. */
  joined(): Buffer {
    const pieces = this.pieces();
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  text(): string {
    return this.joined().toString('utf8');
  }

  #room(): Buffer {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#filled < last.length) return last;
    const next = last === undefined ? FIRST_BYTES : Math.min(this.#length + this.#filled, SEGMENT_BYTES);
    const segment = Buffer.allocUnsafeSlow(Math.max(next, FIRST_BYTES));
    this.#segments.push(segment);
    this.#filled = 0;
    return segment;
  }
}
