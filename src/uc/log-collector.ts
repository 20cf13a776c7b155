import type { LogLine } from '../node/types.ts';
import { LineBuffer, type LineTarget } from './line-buffer.ts';

type Stream = LogLine['stream'];

class StreamLines implements LineTarget {
  readonly #collector: LogCollector;
  readonly #stream: Stream;
  readonly #buffer = new LineBuffer();

  constructor(collector: LogCollector, stream: Stream) {
    this.#collector = collector;
    this.#stream = stream;
  }

  push(data: Buffer): void {
    this.#buffer.push(data, this.#collector.maxBytes, this);
  }

  flush(): void {
    this.#buffer.flush(this.#collector.maxBytes, this);
  }

  line(line: Buffer): void {
    this.#collector.add(this.#stream, line);
  }

  tooLong(): void {
    this.#collector.truncate();
  }
}

/** The log lines of one activation, up to a limit; what comes after is dropped. */
export class LogCollector {
  /** Of the lines' text, newlines not counted. */
  readonly maxBytes: number;
  readonly #lines: LogLine[] = [];
  #streams: Record<Stream, StreamLines> | undefined;
  #bytes = 0;
  #truncated = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  write(stream: Stream, data: Buffer): void {
    if (this.#truncated) {
      return;
    }
    this.#streams ??= { stdout: new StreamLines(this, 'stdout'), stderr: new StreamLines(this, 'stderr') };
    this.#streams[stream].push(data);
  }

  add(stream: Stream, line: Buffer): void {
    if (this.#truncated) {
      return;
    }
    this.#bytes += line.length;
    if (this.#bytes > this.maxBytes) {
      this.truncate();
      return;
    }
    this.#lines.push({ timeMs: Date.now(), stream, line: line.toString('utf8') });
  }

  truncate(): void {
    if (!this.#truncated) {
      this.#truncated = true;
      const line = `Logs were truncated because the total bytes size exceeds the limit of ${this.maxBytes} bytes.`;
      this.#lines.push({ timeMs: Date.now(), stream: 'stderr', line });
    }
  }

  /** Ends the collection; a last line without a newline counts. */
  finish(): readonly LogLine[] {
    this.#streams?.stdout.flush();
    this.#streams?.stderr.flush();
    return this.#lines;
  }

  /** True if a line so far holds one of the words: to tell why an interpreter aborted. */
  mentions(pattern: RegExp): boolean {
    return this.#lines.some(({ line }) => pattern.test(line));
  }
}
