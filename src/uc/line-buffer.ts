import { GrowingBuffer } from './growing-buffer.ts';

const NEWLINE = 10;

/** Takes the lines that a LineBuffer cuts. */
export interface LineTarget {
  /**
   * Without its newline.
   * @param isOwn its memory is not used again; otherwise it is valid only during the call
   */
  line(line: Buffer, isOwn: boolean): void;
  /** A line of so many bytes was longer than allowed; its text is gone. */
  tooLong(bytes: number): void;
}

/**
 * Cuts bytes of a UC into lines, with a bound on what is held: the guest decides how long a
 * line is, and in how small pieces it comes. Holds nothing between two lines.
 */
export class LineBuffer {
  #held: GrowingBuffer | undefined;
  #bytes = 0;

  /** `data` is only valid during the call. */
  push(data: Buffer, maxBytes: number, target: LineTarget): void {
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      this.#finish(data.subarray(start, end), maxBytes, target);
      start = end + 1;
    }
    if (start < data.length) {
      this.#hold(data.subarray(start), maxBytes);
    }
  }

  /** Hands out what came without a newline. */
  flush(maxBytes: number, target: LineTarget): void {
    if (this.#bytes > 0) {
      this.#finish(EMPTY, maxBytes, target);
    }
  }

  /** A copy of what has come of an unfinished line. */
  held(): Buffer {
    return Buffer.from(this.#held?.bytes ?? EMPTY);
  }

  /** Takes up what another buffer held: no newline in it. */
  resume(held: Buffer): void {
    if (held.length > 0) {
      this.#hold(held, Number.POSITIVE_INFINITY);
    }
  }

  #hold(part: Buffer, maxBytes: number): void {
    this.#bytes += part.length;
    if (this.#bytes > maxBytes) {
      this.#held = undefined;
    } else {
      this.#held ??= new GrowingBuffer();
      this.#held.add(part);
    }
  }

  #finish(last: Buffer, maxBytes: number, target: LineTarget): void {
    const bytes = this.#bytes + last.length;
    const held = this.#held;
    this.#held = undefined;
    this.#bytes = 0;
    if (bytes > maxBytes) {
      target.tooLong(bytes);
    } else if (held === undefined) {
      target.line(last, false);
    } else {
      held.add(last);
      target.line(held.bytes, true);
    }
  }
}

const EMPTY = Buffer.alloc(0);
