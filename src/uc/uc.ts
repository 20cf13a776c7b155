import { PlatformError } from '../contract/errors.ts';
import { Link } from '../tender/abi.gen.ts';
import { type ControlExit, decodeLinkExit } from '../tender/replies.ts';
import type { Tender, UcListener } from '../tender/tender.ts';
import { isTenderDeath } from '../tender/tender-death.ts';
import { type CallTrace, CallTraces } from './call-trace.ts';
import { type LateLog, LateLogs } from './late-log.ts';
import { LineBuffer, type LineTarget } from './line-buffer.ts';
import { type GuestExit, type UcEnd, ucEndOf } from './uc-end.ts';

/** Who talks with a UC for the time being: at most one, none while it is idle. */
export interface UcSink extends LineTarget {
  /** Longest line of the driver that is kept. */
  readonly maxLineBytes: number;
  /** False when it takes no more. */
  output(stream: 'stdout' | 'stderr', data: Buffer): boolean;
  /** A live capture stopped the UC; `held` is what it had sent of a line of the driver. */
  cut(held: Buffer): void;
  ended(end: UcEnd): void;
}

/** Who answers for a UC all its life; one object for many UCs. */
export interface UcOwner {
  ucEnded(uc: Uc, end: UcEnd): void;
  /** It takes so much more, or less, than before that it matters. */
  ucMemory?(uc: Uc, bytes: number): void;
}

/**
 * One unikernel context. Idle ones are many: nothing but these fields is held for them, no
 * closure, no timer, no socket.
 */
export class Uc implements UcListener {
  readonly id: number;
  readonly tender: Tender;
  readonly #owner: UcOwner;
  #lines = new LineBuffer();
  #sink: UcSink | undefined;
  #late: LateLogs | undefined;
  #calls: CallTraces | undefined;
  #muted = false;
  #end: UcEnd | undefined;
  #guestExit: GuestExit | undefined;
  #panic: string | undefined;

  constructor(id: number, tender: Tender, owner: UcOwner) {
    this.id = id;
    this.tender = tender;
    this.#owner = owner;
  }

  /** Set once it is dead. */
  get end(): UcEnd | undefined {
    return this.#end;
  }

  /** From now on, what the UC says goes to `sink`; what it said before is gone. */
  attach(sink: UcSink): void {
    this.#sink = sink;
  }

  detach(): void {
    this.#sink = undefined;
  }

  /** A run of it has been answered: what it still writes goes there. */
  expectLate(runId: number, log: LateLog): void {
    this.#late ??= new LateLogs();
    this.#late.add(runId, log);
  }

  /** It tells its system calls. */
  get isTraced(): boolean {
    return this.#calls !== undefined;
  }

  /** Before it is deployed. */
  traceCalls(): void {
    this.#calls = new CallTraces();
  }

  /**
   * Whose the system calls are that it makes for the message that it is about to be sent.
   * @param isTaken it has that message already
   */
  expectCalls(trace: CallTrace | undefined, isTaken: boolean): void {
    if (isTaken) {
      this.#calls?.follow(trace);
    } else {
      this.#calls?.expect(trace);
    }
  }

  /** True if the line of the driver was no answer, but what an answered run writes. */
  takesLate(line: Buffer): boolean {
    const late = LateLogs.isLate(line);
    if (late) {
      this.#late?.line(line);
    }
    return late;
  }

  /** It goes on with a line of the driver of which so much was sent. */
  hold(held: Buffer): void {
    this.#lines.resume(held);
  }

  /** What it has said so far is that of another: half a line, how it would end. */
  protected forgetOutput(): void {
    this.#lines = new LineBuffer();
    this.#late = undefined;
    this.#calls = this.#calls && new CallTraces();
    this.#guestExit = undefined;
    this.#panic = undefined;
  }

  /** Sends a line to the driver. */
  tell(message: string): void {
    this.#muted = false;
    this.tender.send(this.id, Link.driverIn, message);
  }

  /** Resolves when its process is gone; harmless when it is already. */
  async kill(): Promise<void> {
    await this.tender.kill(this.id).catch((error: unknown) => {
      if (!isTenderDeath(error)) {
        throw error;
      }
    });
  }

  /** What it says must not harm what is said of others on the same connection. */
  onLink(type: number, payload: Buffer): void {
    try {
      this.#take(type, payload);
    } catch (error) {
      this.fail(error);
      this.kill().catch(() => undefined);
    }
  }

  #take(type: number, payload: Buffer): void {
    const sink = this.#sink;
    switch (type) {
      case Link.driverOut:
        if (sink !== undefined) {
          this.#lines.push(payload, sink.maxLineBytes, sink);
        } else if (this.#late !== undefined) {
          this.#lines.push(payload, this.#late.maxLineBytes, this.#late);
        }
        return;
      case Link.stdout:
        this.#write('stdout', payload);
        return;
      case Link.stderr:
        this.#write('stderr', payload);
        return;
      case Link.trace:
        this.#calls?.push(payload);
        return;
      case Link.exit:
        this.#guestExit = decodeLinkExit(payload);
        return;
      case Link.panic:
        this.#panic = payload.toString('utf8');
        return;
      default:
        return;
    }
  }

  #write(stream: 'stdout' | 'stderr', data: Buffer): void {
    const wanted = (this.#sink ?? this.#late)?.output(stream, data) ?? true;
    if (!wanted && !this.#muted) {
      this.#muted = true;
      this.tender.mute(this.id);
    }
  }

  onCut(): void {
    this.#sink?.cut(this.#lines.held());
  }

  onMemory(bytes: number): void {
    this.#owner.ucMemory?.(this, bytes);
  }

  onExit(exit: ControlExit): void {
    this.#finish(ucEndOf(exit, this.#guestExit, this.#panic));
  }

  onLost(error: PlatformError): void {
    this.#finish({ type: 'lost', error });
  }

  /**
   * A request about it was refused; it is of no more use, and whoever waits for it is told. Returns
   * how it ended.
   */
  fail(error: unknown): UcEnd {
    const lost = error instanceof PlatformError ? error : new PlatformError('tender_protocol', String(error));
    const end: UcEnd = this.#end ?? { type: 'lost', error: lost };
    this.#finish(end);
    return end;
  }

  #finish(end: UcEnd): void {
    if (this.#end !== undefined) {
      return;
    }
    this.#end = end;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.ended(end);
    this.#owner.ucEnded(this, end);
  }
}
