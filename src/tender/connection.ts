import type { Socket } from 'node:net';
import { PlatformError } from '../contract/errors.ts';
import { Control, Size } from './abi.gen.ts';
import type { ControlSocket } from './control-socket.ts';
import { FrameReader } from './frame-reader.ts';
import { tenderError } from './tender-error.ts';
import { writeFrameHeader } from './wire.ts';

/** Hears of frames that answer no call. The payload is only valid during the call. */
type EventHandler = (type: number, flags: number, uc: number, payload: Buffer) => void;

interface PendingCall {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: PlatformError) => void;
}

const SEQ_MAX = 0xffff_ffff;
/** How a tender died is known some time after its socket closes, and tells more. */
const DEATH_REPORT_MS = 200;

/** Calls, messages and events of one tender's socket. */
export class Connection {
  readonly #socket: Socket;
  readonly #calls = new Map<number, PendingCall>();
  readonly #onEvent: EventHandler;
  readonly #onEnd: (error: PlatformError) => void;
  #seq = 0;
  #wroteInTurn = false;
  #death: PlatformError | undefined;
  #lastError: Error | undefined;

  /** @param onEnd hears once that nothing can be asked any more */
  constructor(control: ControlSocket, onEvent: EventHandler, onEnd: (error: PlatformError) => void) {
    const { socket } = control;
    this.#socket = socket;
    this.#onEvent = onEvent;
    this.#onEnd = onEnd;
    const reader = new FrameReader(this.#onFrame);
    control.onChunk = (chunk) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.fail(
          new PlatformError('tender_protocol', 'the tender sent something that is no frame', {
            cause: error,
          }),
        );
      }
    };
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    // The process's own end, which tells more, is reported a moment later.
    socket.on('close', () => setTimeout(() => this.fail(this.#lost()), DEATH_REPORT_MS).unref());
  }

  /** Why it has ended. */
  get death(): PlatformError | undefined {
    return this.#death;
  }

  /** Resolves with the payload of the reply. */
  call(type: number, uc: number, payload: Buffer, flags = 0): Promise<Buffer> {
    if (this.#death !== undefined) {
      return Promise.reject(this.#death);
    }
    const seq = this.#nextSeq();
    const frame = Buffer.allocUnsafe(Size.frame + payload.length);
    writeFrameHeader(frame, { type, flags, uc, seq }, payload.length);
    payload.copy(frame, Size.frame);
    return new Promise((resolve, reject) => {
      this.#calls.set(seq, { resolve, reject });
      this.#write(frame);
    });
  }

  /**
   * Sends what has no reply, a string as UTF-8.
   * @returns false when the connection is congested: wait for `drained` before sending much more.
   */
  post(type: number, flags: number, uc: number, payload: string | Buffer): boolean {
    const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    const frame = Buffer.allocUnsafe(Size.frame + bytes);
    writeFrameHeader(frame, { type, flags, uc, seq: 0 }, bytes);
    if (typeof payload === 'string') {
      frame.write(payload, Size.frame);
    } else {
      payload.copy(frame, Size.frame);
    }
    return this.#write(frame);
  }

  /** Resolves when what was sent has left this process, or the tender is gone. */
  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#death !== undefined) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve).once('close', resolve);
    await promise;
    this.#socket.off('drain', resolve).off('close', resolve);
  }

  /** Ends it, and every call on it. */
  fail(error: PlatformError): void {
    if (this.#death !== undefined) {
      return;
    }
    this.#death = error;
    this.#socket.destroy();
    for (const call of this.#calls.values()) {
      call.reject(error);
    }
    this.#calls.clear();
    this.#onEnd(error);
  }

  /**
   * The first frame of a turn goes out at once, the others together: each by itself would wake the
   * tender.
   */
  #write(frame: Buffer): boolean {
    if (!this.#wroteInTurn) {
      this.#wroteInTurn = true;
      process.nextTick(this.#endTurn);
    } else if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
    }
    return this.#socket.write(frame);
  }

  readonly #endTurn = (): void => {
    this.#wroteInTurn = false;
    this.#socket.uncork();
  };

  #lost(): PlatformError {
    return new PlatformError('tender_died', this.#lastError?.message ?? 'the tender closed its connection', {
      cause: this.#lastError,
    });
  }

  #nextSeq(): number {
    do {
      this.#seq = this.#seq === SEQ_MAX ? 1 : this.#seq + 1;
    } while (this.#calls.has(this.#seq));
    return this.#seq;
  }

  readonly #onFrame = (type: number, flags: number, uc: number, seq: number, payload: Buffer): void => {
    switch (type) {
      case Control.ok:
        this.#take(seq)?.resolve(Buffer.from(payload));
        return;
      case Control.error:
        this.#take(seq)?.reject(tenderError(payload));
        return;
      default:
        this.#onEvent(type, flags, uc, payload);
    }
  };

  #take(seq: number): PendingCall | undefined {
    const call = this.#calls.get(seq);
    this.#calls.delete(seq);
    return call;
  }
}
