import { readAnswer } from './answer-reader.ts';
import type { CallTrace } from './call-trace.ts';
import { Deadlines, type Waiting } from './deadlines.ts';
import type { DriverAnswer } from './driver-messages.ts';
import type { LogCollector } from './log-collector.ts';
import type { Uc, UcSink } from './uc.ts';
import type { UcEnd } from './uc-end.ts';

/** What came back for a message to a driver. */
export type Reply =
  /** A line; it says nothing when it is no message of the protocol. */
  | { readonly type: 'answer'; readonly answer: DriverAnswer | undefined; readonly bytes: number }
  /** The answer was longer than allowed; the driver is still in order. */
  | { readonly type: 'too-long'; readonly bytes: number }
  | { readonly type: 'timeout' }
  | { readonly type: 'aborted' }
  | { readonly type: 'ended'; readonly end: UcEnd };

interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly maxLineBytes: number;
  readonly logs: LogCollector;
  readonly signal?: AbortSignal | undefined;
  /** Told when a live capture stopped the UC, with what it had sent of its answer. */
  readonly onCut?: ((held: Buffer) => void) | undefined;
  /** Of a traced UC: takes the system calls that it makes for this message. */
  readonly trace?: CallTrace | undefined;
}

const TIMEOUT: Reply = { type: 'timeout' };
const ABORTED: Reply = { type: 'aborted' };

const deadlines = new Deadlines();

class Exchange implements UcSink, Waiting {
  readonly maxLineBytes: number;
  readonly #uc: Uc;
  readonly #logs: LogCollector;
  readonly #resolve: (reply: Reply | Promise<Reply>) => void;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onCut: ((held: Buffer) => void) | undefined;
  #isSettled = false;

  constructor(uc: Uc, options: ExchangeOptions, resolve: (reply: Reply | Promise<Reply>) => void) {
    this.maxLineBytes = options.maxLineBytes;
    this.#uc = uc;
    this.#logs = options.logs;
    this.#resolve = resolve;
    this.#timeoutMs = Math.ceil(options.timeoutMs);
    deadlines.add(this, this.#timeoutMs);
    this.#signal = options.signal;
    this.#onCut = options.onCut;
    this.#signal?.addEventListener('abort', this.#onAbort);
  }

  line(line: Buffer, isOwn: boolean): void {
    // A guest may send more lines in one piece than anybody asked for.
    if (this.#uc.takesLate(line) || this.#isSettled) {
      return;
    }
    const bytes = line.length;
    const answer = readAnswer(line, isOwn);
    this.#settle(
      answer instanceof Promise
        ? answer.then((answer) => ({ type: 'answer', answer, bytes }))
        : { type: 'answer', answer, bytes },
    );
  }

  tooLong(bytes: number): void {
    this.#settle({ type: 'too-long', bytes });
  }

  output(stream: 'stdout' | 'stderr', data: Buffer): boolean {
    return this.#logs.write(stream, data);
  }

  cut(held: Buffer): void {
    this.#onCut?.(held);
  }

  ended(end: UcEnd): void {
    this.#settle({ type: 'ended', end });
  }

  timedOut(): void {
    this.#settle(TIMEOUT);
  }

  readonly #onAbort = (): void => this.#settle(ABORTED);

  #settle(reply: Reply | Promise<Reply>): void {
    if (this.#isSettled) {
      return;
    }
    this.#isSettled = true;
    deadlines.forget(this, this.#timeoutMs);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#uc.detach();
    this.#resolve(reply);
  }
}

/**
 * Sends a message (undefined: only listens) and waits for the driver's next line. Whoever gets a
 * timeout has to kill the UC: its driver is still busy with the message.
 */
export function exchange(uc: Uc, message: string | undefined, options: ExchangeOptions): Promise<Reply> {
  if (uc.end !== undefined) {
    return Promise.resolve({ type: 'ended', end: uc.end });
  }
  if (options.signal?.aborted) {
    return Promise.resolve(ABORTED);
  }
  return new Promise((resolve) => {
    uc.attach(new Exchange(uc, options, resolve));
    uc.expectCalls(options.trace, message === undefined);
    if (message !== undefined) {
      uc.tell(message);
    }
  });
}
