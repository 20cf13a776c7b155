import type { ActivationLogs, LogLine } from '../contract/activation.ts';
import { JsonText } from '../json/json-text.ts';
import { GrowingBuffer } from './growing-buffer.ts';

type Stream = LogLine['stream'];

/** Lines that came at once on one stream. */
interface Run {
  readonly timeMs: number;
  readonly stream: Stream;
  /** Offset behind its last line. */
  end: number;
}

/** Memory of one run, an object of three fields with its time and its place in the list. */
const RUN_BYTES = 80;
/** Of text that is made into lines at a time. */
const PIECE_BYTES = 16 * 1024;
const NEWLINE = 10;
/** Anything but a newline and what stands in a JSON string as it is. */
const ESCAPED = /[^\n -!#-[\]-\uffff]/;

/**
 * The log lines of one activation: their text in one piece, and which of it came when. Made into
 * lines, or into a document, when somebody wants to see them.
 */
export class ActivationLog implements ActivationLogs {
  readonly #text = new GrowingBuffer();
  readonly #runs: Run[] = [];
  /** What came after the end, which is little. */
  #late: ActivationLog | undefined;

  /** @param lines whole lines, each with its newline; `head` is the beginning of the first */
  add(stream: Stream, head: Buffer | undefined, lines: Buffer, timeMs = Date.now()): void {
    if (head !== undefined) {
      this.#text.add(head);
    }
    this.#text.add(lines);
    const last = this.#runs.at(-1);
    if (last?.timeMs === timeMs && last.stream === stream) {
      last.end = this.#text.length;
    } else {
      this.#runs.push({ timeMs, stream, end: this.#text.length });
    }
  }

  append({ timeMs, stream, line }: LogLine): void {
    this.#late ??= new ActivationLog();
    this.#late.add(stream, undefined, Buffer.from(`${line}\n`), timeMs);
  }

  /** No line comes any more but late ones. */
  seal(): void {
    this.#text.trim();
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.#text.capacity + this.#runs.length * RUN_BYTES + (this.#late?.bytes ?? 0);
  }

  lines(): LogLine[] {
    const lines: LogLine[] = [];
    for (const { timeMs, stream, text } of this.#read()) {
      for (const line of text.split('\n')) {
        lines.push({ timeMs, stream, line });
      }
    }
    return lines;
  }

  document(): JsonText {
    return JsonText.trusted(`[${Array.from(this.pieces()).join('')}]`);
  }

  *pieces(): Generator<string, void> {
    let comma = '';
    for (const { timeMs, stream, text } of this.#read()) {
      const time = new Date(timeMs).toISOString().replace('Z', '000000Z');
      const intro = `${time.padEnd(30)} ${stream}: `;
      // Many short lines come at once, and hardly any has a character that JSON escapes.
      const lines = ESCAPED.test(text)
        ? JSON.stringify(text.split('\n').map((line) => intro + line)).slice(1, -1)
        : `"${intro}${text.replaceAll('\n', `","${intro}`)}"`;
      yield comma + lines;
      comma = ',';
    }
  }

  /** True if a line so far holds one of the words: to tell why an interpreter aborted. */
  mentions(pattern: RegExp): boolean {
    return pattern.test(this.#text.bytes.toString('latin1'));
  }

  /** Lines that came at once, not too many at a time. */
  *#read(): Generator<{ timeMs: number; stream: Stream; text: string }, void> {
    const { bytes } = this.#text;
    let start = 0;
    for (const { timeMs, stream, end } of this.#runs) {
      while (start < end) {
        const behind = end - start > PIECE_BYTES ? bytes.indexOf(NEWLINE, start + PIECE_BYTES) + 1 : end;
        // Without the last newline, which begins no other line.
        yield { timeMs, stream, text: bytes.toString('utf8', start, behind - 1) };
        start = behind;
      }
    }
    if (this.#late !== undefined) {
      yield* this.#late.#read();
    }
  }
}
