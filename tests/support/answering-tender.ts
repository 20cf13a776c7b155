import { Socket } from 'node:net';
import { Control, Size } from '../../src/tender/abi.gen.ts';
import type { ControlSocket } from '../../src/tender/control-socket.ts';
import { FrameReader } from '../../src/tender/frame-reader.ts';
import { Tender } from '../../src/tender/tender.ts';
import { writeFrameHeader } from '../../src/tender/wire.ts';

/** The far end of a tender's socket: it says yes to each request, at once. */
class YesSocket extends Socket {
  near: ControlSocket | undefined;
  readonly #reader = new FrameReader((type, _flags, uc, seq) => this.#answer(type, uc, seq));

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#reader.push(chunk);
    done();
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#reader.push(chunk);
    done();
  }

  /** Zeros, as many as the longest reply that somebody waits for here. */
  #answer(type: number, uc: number, seq: number): void {
    const bytes = type === Control.demote ? Size.demoted : 0;
    const frame = Buffer.alloc(Size.frame + bytes);
    writeFrameHeader(frame, { type: Control.ok, flags: 0, uc, seq }, bytes);
    setImmediate(() => this.near?.onChunk(frame));
  }
}

/** A tender whose process there is none of, and which does what it is asked for. */
export function answeringTender(): Tender {
  const socket = new YesSocket();
  const near: ControlSocket = { socket, onChunk: () => undefined };
  socket.near = near;
  return new Tender(near);
}
