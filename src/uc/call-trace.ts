import type { TraceOptions } from '../contract/options.ts';
import { LineBuffer, type LineTarget } from './line-buffer.ts';

/** Of a line of a trace, before its escapes; the library OS makes none that is longer. */
const LINE_BYTES_MAX = 512;
/** What is printed of a traced activation: some 40,000 system calls, and no more, whatever the guest does. */
const ACTIVATION_BYTES = 4 * 1024 * 1024;
/** An activation that its caller gave no id. */
const NAMELESS = '-';

/** The traced system calls of one activation, up to a limit. What the UC tells is hostile. */
export class CallTrace {
  readonly #prefix: string;
  readonly #maxBytes: number;
  readonly #write: (lines: string) => void;
  #bytesLeft: number;
  #text = '';

  constructor(id: string | undefined, { maxBytes = ACTIVATION_BYTES, write }: TraceOptions) {
    this.#prefix = `${escaped(id ?? NAMELESS)} `;
    this.#maxBytes = maxBytes;
    this.#bytesLeft = maxBytes;
    this.#write = write;
  }

  get isFull(): boolean {
    return this.#bytesLeft < 0;
  }

  call(line: Buffer): void {
    this.#add(escaped(line.toString('latin1')));
  }

  tooLong(bytes: number): void {
    this.#add(`a line of ${bytes} bytes is left out`);
  }

  /** What was told at once is written at once. */
  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '') {
      this.#write(text);
    }
  }

  #add(text: string): void {
    if (this.isFull) {
      return;
    }
    const line = `${this.#prefix}${text}\n`;
    this.#bytesLeft -= line.length;
    this.#text += this.isFull
      ? `${this.#prefix}the trace ends here: ${this.#maxBytes} bytes are the limit of an activation\n`
      : line;
  }
}

/**
 * Tells whose the lines of a traced UC are. An empty line says that the UC has taken a message whole: what
 * it told before belongs to the message before.
 */
export class CallTraces implements LineTarget {
  #lines = new LineBuffer();
  #current: CallTrace | undefined;
  #next: CallTrace | undefined;
  /** A message is on its way; without a trace nobody wants to see what comes of it. */
  #isAwaited = false;
  #isNew = true;

  /** A message goes to the UC, which has answered the one before it. */
  expect(trace: CallTrace | undefined): void {
    if (this.#isAwaited) {
      this.#turn();
    }
    if (this.#isNew) {
      this.#current = trace;
    }
    // Of a line that was left out there may be a rest.
    this.#lines = this.#isIdle() ? new LineBuffer() : this.#lines;
    this.#isNew = false;
    this.#isAwaited = true;
    this.#next = trace;
  }

  /** It is half-way through a message that it has. */
  follow(trace: CallTrace | undefined): void {
    this.#isNew = false;
    this.#current = trace;
  }

  /** `data` is only valid during the call. */
  push(data: Buffer): void {
    if (!this.#isAwaited && this.#isIdle()) {
      return;
    }
    this.#lines.push(data, LINE_BYTES_MAX, this);
    this.#current?.flush();
  }

  line(line: Buffer): void {
    if (line.length === 0 && this.#isAwaited) {
      this.#turn();
    } else {
      this.#current?.call(line);
    }
  }

  tooLong(bytes: number): void {
    this.#current?.tooLong(bytes);
  }

  /** Nothing is printed of what comes. */
  #isIdle(): boolean {
    return this.#current === undefined || this.#current.isFull;
  }

  #turn(): void {
    this.#current?.flush();
    this.#current = this.#next;
    this.#isAwaited = false;
  }
}

/** Printable ASCII as it is; a backslash too is escaped, so that nothing looks like an escape. */
function escaped(text: string): string {
  return text.replace(/[^ -[\]-~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
