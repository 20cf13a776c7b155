import { PlatformError } from '../contract/errors.ts';

/** An action's document in two parts: its code, which may be long, and all the rest, which is not. */
interface CutDocument {
  /** The JSON text, with `""` for the code. */
  readonly rest: string;
  /** The code as it stood there: a JSON string with its quotes. Undefined if `exec.code` is no string. */
  readonly literal: Buffer | undefined;
}

/** Of a document beside its code: parameters and annotations of 1 MB, and the little that else there is. */
export const REST_BYTES_MAX = 1024 * 1024 + 16 * 1024;
const DEPTH_MAX = 1024;
/** No key that counts here is as long, even if each letter of it is escaped. */
const KEY_BYTES_MAX = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

interface Level {
  readonly isObject: boolean;
  /** The next string is a key. */
  awaitsKey: boolean;
  key: string;
}

/**
 * Takes `exec.code` out of the JSON text of an action's document without making anything of it. A
 * text that is no JSON leaves a rest that is none: whoever parses that says so. The time it takes
 * is that of the rest, and of one search for the end of the code.
 * @param restMax bytes that the rest may have
 * @throws PlatformError `document_too_large`, `bad_document`
 */
export function cutCode(document: Buffer, restMax = REST_BYTES_MAX): CutDocument {
  return new Cutter(document, restMax).cut();
}

class Cutter {
  readonly #document: Buffer;
  readonly #restMax: number;
  readonly #levels: Level[] = [];
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  /** What lies before it is kept or cut. */
  #from = 0;
  #literal: Buffer | undefined;

  constructor(document: Buffer, restMax: number) {
    this.#document = document;
    this.#restMax = restMax;
  }

  cut(): CutDocument {
    const { length } = this.#document;
    for (let at = 0; at < length; ) {
      at = this.#document[at] === QUOTE ? this.#string(at) : this.#mark(at);
      this.#checkKept(at);
    }
    this.#keep(length);
    return { rest: Buffer.concat(this.#kept).toString('utf8'), literal: this.#literal };
  }

  /** Returns the offset behind the string. */
  #string(at: number): number {
    const end = endOfString(this.#document, at);
    const level = this.#levels.at(-1);
    if (level?.awaitsKey === true) {
      level.key = end - at > KEY_BYTES_MAX ? '' : textOf(this.#document.subarray(at, end));
    } else if (this.#isCode()) {
      this.#keep(at);
      this.#kept.push(Buffer.from('""'));
      this.#literal = this.#document.subarray(at, end);
      this.#from = end;
    }
    return end;
  }

  #mark(at: number): number {
    const level = this.#levels.at(-1);
    switch (this.#document[at]) {
      case OPEN_OBJECT:
        this.#open({ isObject: true, awaitsKey: true, key: '' });
        break;
      case OPEN_LIST:
        this.#open({ isObject: false, awaitsKey: false, key: '' });
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        this.#levels.pop();
        break;
      case COMMA:
        if (level !== undefined) level.awaitsKey = level.isObject;
        break;
      case COLON:
        if (level !== undefined) level.awaitsKey = false;
        break;
    }
    return at + 1;
  }

  #open(level: Level): void {
    if (this.#levels.length >= DEPTH_MAX) {
      throw new PlatformError('bad_document', `The request is nested more than ${DEPTH_MAX} levels deep.`);
    }
    this.#levels.push(level);
  }

  #isCode(): boolean {
    const [outer, inner] = this.#levels;
    return (
      this.#levels.length === 2 && outer?.key === 'exec' && inner?.isObject === true && inner.key === 'code'
    );
  }

  #keep(until: number): void {
    this.#kept.push(this.#document.subarray(this.#from, until));
    this.#keptBytes += until - this.#from;
    this.#from = until;
  }

  #checkKept(at: number): void {
    if (this.#keptBytes + at - this.#from > this.#restMax) {
      throw new PlatformError(
        'document_too_large',
        `The request has more than ${this.#restMax} bytes beside its code.`,
        { remedy: 'Parameters and annotations may have 1 MB.' },
      );
    }
  }
}

/** Offset behind the closing quote, or the end of a text that has none. */
function endOfString(document: Buffer, start: number): number {
  for (let from = start + 1; ; ) {
    const quote = document.indexOf(QUOTE, from);
    if (quote < 0) return document.length;
    let escapes = 0;
    while (document[quote - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

/** Empty for what is no string after all. */
function textOf(literal: Buffer): string {
  try {
    return String(JSON.parse(literal.toString('utf8')));
  } catch {
    return '';
  }
}
