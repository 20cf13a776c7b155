import { CONTROL_PAYLOAD_MAX, Size } from './abi.ts';

/** Called once for each frame. The payload is only valid during the call. */
export type FrameHandler = (type: number, flags: number, uc: number, seq: number, payload: Buffer) => void;

/**
 * Cuts a byte stream into control frames, wherever the reads happen to end. Payloads are
 * views of what was read; only a frame spread over several reads is copied.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that must be there before looking again is worth it. */
  #wanted: number = Size.frame;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws RangeError when a length is beyond the protocol's maximum: the stream is lost. */
  push(chunk: Buffer): void {
    this.#held += chunk.length;
    if (this.#held < this.#wanted) {
      this.#chunks.push(Buffer.from(chunk));
      return;
    }
    if (this.#chunks.length === 0) {
      this.#cut(chunk);
      return;
    }
    this.#chunks.push(chunk);
    const joined = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [];
    this.#cut(joined);
  }

  #cut(data: Buffer): void {
    let at = 0;
    this.#wanted = Size.frame;
    while (data.length - at >= Size.frame) {
      const bytes = data.readUInt32LE(at);
      if (bytes > CONTROL_PAYLOAD_MAX) {
        throw new RangeError(`a frame of ${bytes} bytes is over the maximum of ${CONTROL_PAYLOAD_MAX}`);
      }
      const end = at + Size.frame + bytes;
      if (end > data.length) {
        this.#wanted = Size.frame + bytes;
        break;
      }
      const start = at;
      at = end;
      this.#handler(
        data.readUInt16LE(start + 4),
        data.readUInt16LE(start + 6),
        data.readUInt32LE(start + 8),
        data.readUInt32LE(start + 12),
        data.subarray(start + Size.frame, end),
      );
    }
    this.#held = data.length - at;
    if (this.#held > 0) {
      this.#chunks.push(Buffer.from(data.subarray(at)));
    }
  }
}
