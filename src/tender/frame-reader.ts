import { CONTROL_PAYLOAD_MAX, Size } from './abi.gen.ts';

/** Called once for each frame. The payload is only valid during the call. */
type FrameHandler = (type: number, flags: number, uc: number, seq: number, payload: Buffer) => void;

/** Room for the beginning of a frame, made for more when a longer one comes and given back after it. */
const ROOM_BYTES = 64 * 1024;

/**
 * Cuts a byte stream into control frames, wherever the reads happen to end. Payloads are
 * views of what was read; only a frame spread over several reads is copied, into memory that is used again.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  #room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  /** Bytes of a frame that is not complete, at the beginning of the room. */
  #held = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws RangeError when a length is beyond the protocol's maximum: the stream is lost. */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#held > 0) {
      at = this.#complete(chunk);
      if (this.#held > 0) {
        return;
      }
    }
    at = this.#cut(chunk, at);
    const left = chunk.length - at;
    if (left > this.#room.length) {
      this.#widen(left);
    }
    this.#held = chunk.copy(this.#room, 0, at);
  }

  /**
   * Adds to the frame that has begun, and hands it out when it is complete; returns how much of the
   * chunk it took.
   */
  #complete(chunk: Buffer): number {
    let at = this.#take(chunk, 0, Size.frame);
    if (this.#held < Size.frame) {
      return at;
    }
    const frameBytes = Size.frame + payloadBytes(this.#room, 0);
    if (this.#room.length < frameBytes) {
      this.#widen(frameBytes);
    }
    at = this.#take(chunk, at, frameBytes);
    if (this.#held === frameBytes) {
      this.#held = 0;
      this.#hand(this.#room, 0, frameBytes);
      if (this.#room.length > ROOM_BYTES) {
        this.#room = Buffer.allocUnsafeSlow(ROOM_BYTES);
      }
    }
    return at;
  }

  /** Until so much is held, if the chunk has it; returns the offset behind what was taken. */
  #take(chunk: Buffer, at: number, wanted: number): number {
    if (this.#held >= wanted) {
      return at;
    }
    const taken = chunk.copy(this.#room, this.#held, at, Math.min(chunk.length, at + wanted - this.#held));
    this.#held += taken;
    return at + taken;
  }

  /** Hands out what is complete from there on; returns the offset behind it. */
  #cut(data: Buffer, start: number): number {
    let at = start;
    while (data.length - at >= Size.frame) {
      const end = at + Size.frame + payloadBytes(data, at);
      if (end > data.length) {
        break;
      }
      this.#hand(data, at, end);
      at = end;
    }
    return at;
  }

  #hand(data: Buffer, start: number, end: number): void {
    this.#handler(
      data.readUInt16LE(start + 4),
      data.readUInt16LE(start + 6),
      data.readUInt32LE(start + 8),
      data.readUInt32LE(start + 12),
      data.subarray(start + Size.frame, end),
    );
  }

  #widen(bytes: number): void {
    const wider = Buffer.allocUnsafeSlow(bytes);
    this.#room.copy(wider, 0, 0, this.#held);
    this.#room = wider;
  }
}

/** Of the frame that begins there. */
function payloadBytes(data: Buffer, at: number): number {
  const bytes = data.readUInt32LE(at);
  if (bytes > CONTROL_PAYLOAD_MAX) {
    throw new RangeError(`a frame of ${bytes} bytes is over the maximum of ${CONTROL_PAYLOAD_MAX}`);
  }
  return bytes;
}
