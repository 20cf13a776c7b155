/** Code of a document from here on is kept as it came, and not as a string of the node's heap. */
export const LONG_CODE_BYTES = 256 * 1024;

/**
 * Code that is too long for the node's thread to quote, to copy or to hash: as the JSON string that
 * it was sent as.
 */
export class LongCode {
  /** With its quotes. */
  readonly literal: Uint8Array;

  constructor(literal: Uint8Array) {
    this.literal = literal;
  }

  /** Roughly: quotes and escapes count. */
  get length(): number {
    return this.literal.length;
  }

  /** As a string, which takes milliseconds for each ten megabytes. */
  text(): string {
    return JSON.parse(
      Buffer.from(this.literal.buffer, this.literal.byteOffset, this.length).toString('utf8'),
    );
  }
}

export type CodeText = string | LongCode;

/** A source file of that length. Its text is made each time it is asked for: by a cold start. */
export class LongSource {
  readonly type = 'source';
  readonly filename: string;
  readonly #code: LongCode;

  constructor(code: LongCode, filename: string) {
    this.#code = code;
    this.filename = filename;
  }

  get source(): string {
    return this.#code.text();
  }
}
