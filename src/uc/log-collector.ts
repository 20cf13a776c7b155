import type { LogLine } from '../contract/activation.ts';
import { ActivationLog } from './activation-log.ts';
import { GrowingBuffer } from './growing-buffer.ts';

type Stream = LogLine['stream'];

/**
 * What a line costs beside its text: no less than it takes of memory, nor than its time, its stream
 * and quotes take in an answer.
 */
export const LINE_BYTES = 96;

const NEWLINE = 10;

/** What each byte takes in a JSON string. */
const BYTE_COSTS = Uint8Array.from(
  { length: 256 },
  (_, byte) => JSON.stringify(String.fromCharCode(byte)).length - 2,
);
BYTE_COSTS[NEWLINE] = LINE_BYTES;

/** The log lines of one activation, up to a limit; what comes after is dropped unseen. */
export class LogCollector {
  /** For all lines: what their text takes as JSON, and LINE_BYTES for each. */
  readonly maxBytes: number;
  readonly #log = new ActivationLog();
  /** What has come of an unfinished line. */
  readonly #held: Record<Stream, GrowingBuffer | undefined> = { stdout: undefined, stderr: undefined };
  #cost = 0;
  #truncated = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** `data` is only valid during the call. False when nothing more is taken. */
  write(stream: Stream, data: Buffer): boolean {
    if (this.#truncated) {
      return false;
    }
    const wholeBytes = this.#admit(data);
    if (wholeBytes > 0) {
      this.#log.add(stream, this.#held[stream]?.bytes, data.subarray(0, wholeBytes));
      this.#held[stream] = undefined;
    }
    if (this.#cost > this.maxBytes) {
      this.#truncate();
    } else if (wholeBytes < data.length) {
      const held = this.#held[stream] ?? new GrowingBuffer();
      held.add(data.subarray(wholeBytes));
      this.#held[stream] = held;
    }
    return !this.#truncated;
  }

  /** Ends the collection; a last line without a newline counts. */
  finish(): ActivationLog {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#held[stream] !== undefined) {
        this.write(stream, LAST_NEWLINE);
      }
    }
    this.#log.seal();
    return this.#log;
  }

  /** True if a line so far holds one of the words: to tell why an interpreter aborted. */
  mentions(pattern: RegExp): boolean {
    return this.#log.mentions(pattern);
  }

  /**
   * Adds up what the bytes cost, as long as there is room; returns how many of them end in a line
   * that has room.
   */
  #admit(data: Buffer): number {
    let cost = this.#cost;
    let wholeBytes = 0;
    for (let i = 0; i < data.length && cost <= this.maxBytes; i++) {
      const byte = data[i] as number;
      cost += BYTE_COSTS[byte] as number;
      if (byte === NEWLINE && cost <= this.maxBytes) {
        wholeBytes = i + 1;
      }
    }
    this.#cost = cost;
    return wholeBytes;
  }

  #truncate(): void {
    this.#truncated = true;
    this.#held.stdout = undefined;
    this.#held.stderr = undefined;
    const limit = `the limit of ${this.maxBytes} bytes`;
    const text = `Logs were truncated because the total bytes size exceeds ${limit}.\n`;
    this.#log.add('stderr', undefined, Buffer.from(text));
  }
}

const LAST_NEWLINE = Buffer.from('\n');
