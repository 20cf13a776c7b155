import type { LogLine } from '../contract/activation.ts';
import type { LineTarget } from './line-buffer.ts';

type Stream = LogLine['stream'];

/** Runs of one UC that may still write something. */
const RUNS_MAX = 4;
/** What the driver escapes of 16 Ki characters in JSON is not longer. */
const LINE_BYTES_MAX = 128 * 1024;
/** Of one run. */
const LINES_MAX = 256;

const PREFIX = Buffer.from('{"op":"log","id":');
/** Digits of an id that are looked at: any safe integer. */
const ID_DIGITS_MAX = 16;

/** What a run writes after its answer, up to a limit. Pieces are taken to end with a line. */
export class LateLog {
  readonly #take: (line: LogLine) => void;
  #bytesLeft: number;
  #linesLeft = LINES_MAX;

  constructor(maxBytes: number, take: (line: LogLine) => void) {
    this.#bytesLeft = maxBytes;
    this.#take = take;
  }

  get isFull(): boolean {
    return this.#linesLeft === 0;
  }

  write(stream: Stream, text: string): void {
    const lines = text.split('\n', this.#linesLeft + 1);
    if (lines.at(-1) === '') {
      lines.pop();
    }
    for (const line of lines) {
      this.#bytesLeft -= line.length;
      if (this.#bytesLeft < 0 || this.#linesLeft === 0) {
        this.#linesLeft = 0;
        return;
      }
      this.#linesLeft -= 1;
      this.#take({ timeMs: Date.now(), stream, line });
    }
  }
}

/**
 * What answered runs of one UC write: the driver names the run; while none is on, plain output is
 * the last one's.
 */
export class LateLogs implements LineTarget {
  readonly maxLineBytes = LINE_BYTES_MAX;
  readonly #logs = new Map<number, LateLog>();
  #last: LateLog | undefined;

  /** Whether a line of the driver is such text. */
  static isLate(line: Buffer): boolean {
    return line.length >= PREFIX.length && line.subarray(0, PREFIX.length).equals(PREFIX);
  }

  add(runId: number, log: LateLog): void {
    this.#logs.set(runId, log);
    this.#last = log;
    for (const oldest of this.#logs.keys()) {
      if (this.#logs.size <= RUNS_MAX) {
        break;
      }
      this.#logs.delete(oldest);
    }
  }

  line(line: Buffer): void {
    if (line.length < PREFIX.length) {
      return;
    }
    const id = Number.parseInt(line.toString('latin1', PREFIX.length, PREFIX.length + ID_DIGITS_MAX), 10);
    const log = this.#logs.get(id);
    if (!LateLogs.isLate(line) || log === undefined || log.isFull || line.length > LINE_BYTES_MAX) {
      return;
    }
    const { stream, text } = parse(line);
    if ((stream === 'stdout' || stream === 'stderr') && typeof text === 'string') {
      log.write(stream, text);
    }
  }

  tooLong(): void {}

  output(stream: Stream, data: Buffer): boolean {
    if (this.#last?.isFull === false) {
      this.#last.write(stream, data.toString('utf8'));
    }
    return this.#last?.isFull === false;
  }
}

function parse(line: Buffer): { stream?: unknown; text?: unknown } {
  try {
    return Object(JSON.parse(line.toString('utf8')));
  } catch {
    return {};
  }
}
