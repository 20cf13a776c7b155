/** The text is no JSON; `message` says where. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** From what opens an object or an array to what closes it. */
const TO_CLOSING = 2;
/** `e` or `E`, without the bit that tells them apart. */
const EXPONENT = 0x45;
const CASE_BIT = 0x20;

const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const ESCAPES = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)));
const UNICODE_ESCAPE = 0x75;
const HEX4 = /[0-9a-fA-F]{4}/y;

/**
 * The closing characters that are awaited, outermost first: of whichever text is scanned at
 * present, as long as it is no deeper than this.
 */
const sharedClosings = new Uint8Array(1024);

/** How one part of a text was found. */
interface Scanned {
  /** Offset behind it. */
  readonly end: number;
  /** How many objects and arrays lie in each other, at most. */
  readonly depth: number;
}

/**
 * Finds out where the values of a JSON text begin and end, and that they are valid (RFC 8259), without making
 * anything of them: in one pass, without recursion, however deep they are.
 */
export class Scanner {
  readonly text: string;
  /**
   * Of its characters, and a 0 behind them: to look at one of these is several times quicker than
   * `charCodeAt`.
   */
  readonly #codes: Uint16Array;
  readonly #maxDepth: number;

  /** @param maxDepth deeper than this, a text counts as no JSON */
  constructor(text: string, maxDepth = Number.POSITIVE_INFINITY) {
    this.text = text;
    this.#codes = codesOf(text);
    this.#maxDepth = maxDepth;
  }

  /** Nothing more is asked of it. */
  [Symbol.dispose](): void {
    if (this.#codes.length >= SPARE_MIN && this.#codes.length <= SPARE_MAX) {
      spare = this.#codes;
    }
  }

  /**
   * @param start offset of its first character
   * @throws JsonError
   */
  value(start: number): Scanned {
    const codes = this.#codes;
    let closings = sharedClosings;
    let at = start;
    let depth = 0;
    let deepest = 0;
    // Of the innermost object or array that is open.
    let closing = 0;
    for (;;) {
      const first = codes[at] as number;
      if (first === OPEN_OBJECT || first === OPEN_LIST) {
        closing = first + TO_CLOSING;
        if (depth === closings.length || depth >= this.#maxDepth) {
          closings = this.#deepen(closings, depth, at);
        }
        closings[depth] = closing;
        depth += 1;
        deepest = Math.max(depth, deepest);
        at += 1;
        at = (codes[at] as number) <= SPACE ? this.space(at) : at;
        if (codes[at] !== closing) {
          at = closing === CLOSE_OBJECT ? this.key(at) : at;
          continue;
        }
      } else {
        at = this.#plain(first, at);
      }
      // Behind a value, or before the end of an empty object or array.
      while (depth > 0) {
        let next = codes[at] as number;
        if (next <= SPACE) {
          at = this.space(at);
          next = codes[at] as number;
        }
        at += 1;
        if (next === COMMA) {
          at = (codes[at] as number) <= SPACE ? this.space(at) : at;
          at = closing === CLOSE_OBJECT ? this.key(at) : at;
          break;
        }
        if (next !== closing) {
          throw this.unexpected(at - 1);
        }
        depth -= 1;
        closing = depth > 0 ? (closings[depth - 1] as number) : 0;
      }
      if (depth === 0) {
        return { end: at, depth: deepest };
      }
    }
  }

  /** Past a key and its colon, to the value. */
  key(start: number): number {
    return this.colon(this.string(start));
  }

  /** Past the colon that follows a key, to the value. */
  colon(start: number): number {
    const at = this.space(start);
    if (this.#codes[at] !== COLON) {
      throw this.unexpected(at);
    }
    return this.space(at + 1);
  }

  /** Past white space. */
  space(start: number): number {
    // Hardly ever there is any.
    return (this.#codes[start] as number) > SPACE ? start : this.#spaces(start);
  }

  #spaces(start: number): number {
    const codes = this.#codes;
    let at = start;
    for (;;) {
      const char = codes[at] as number;
      if (char !== SPACE && char !== NEWLINE && char !== RETURN && char !== TAB) {
        return at;
      }
      at += 1;
    }
  }

  /** Past a string. */
  string(start: number): number {
    const codes = this.#codes;
    if (codes[start] !== QUOTE) {
      throw this.unexpected(start);
    }
    let at = start + 1;
    for (;;) {
      const char = codes[at] as number;
      if (char === QUOTE) {
        return at + 1;
      }
      if (char === BACKSLASH) {
        at = this.#escape(at + 1);
      } else if (char >= SPACE) {
        at += 1;
      } else {
        // A control character, or the end of the text.
        throw this.unexpected(at);
      }
    }
  }

  unexpected(at: number): JsonError {
    const found = this.text[at];
    return new JsonError(
      found === undefined
        ? 'it ends too early'
        : `${JSON.stringify(found)} at position ${at} is not expected there`,
    );
  }

  /** Makes room for one level more. */
  #deepen(closings: Uint8Array<ArrayBuffer>, depth: number, at: number): Uint8Array<ArrayBuffer> {
    if (depth >= this.#maxDepth) {
      throw new JsonError(`it is nested more than ${this.#maxDepth} levels deep at position ${at}`);
    }
    const grown = new Uint8Array(closings.length * 2);
    grown.set(closings);
    return grown;
  }

  /** Past a value that holds no other one. */
  #plain(first: number, at: number): number {
    if (first === QUOTE) {
      return this.string(at);
    }
    if (first === MINUS || isDigit(first)) {
      return this.#number(at);
    }
    const literal = LITERALS[this.text.charAt(at)];
    if (literal === undefined || !this.text.startsWith(literal, at)) {
      throw this.unexpected(at);
    }
    return at + literal.length;
  }

  #number(start: number): number {
    const codes = this.#codes;
    let at = codes[start] === MINUS ? start + 1 : start;
    at = codes[at] === ZERO ? at + 1 : this.#digits(at);
    if (codes[at] === DOT) {
      at = this.#digits(at + 1);
    }
    if (((codes[at] as number) & ~CASE_BIT) === EXPONENT) {
      const sign = codes[at + 1];
      at = this.#digits(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
    }
    return at;
  }

  /** Past digits, one at least. */
  #digits(start: number): number {
    const codes = this.#codes;
    let at = start;
    while (isDigit(codes[at] as number)) {
      at += 1;
    }
    if (at === start) {
      throw this.unexpected(at);
    }
    return at;
  }

  /** Past what follows a backslash. */
  #escape(at: number): number {
    const char = this.#codes[at] as number;
    if (ESCAPES.has(char)) {
      return at + 1;
    }
    HEX4.lastIndex = at + 1;
    if (char !== UNICODE_ESCAPE || !HEX4.test(this.text)) {
      throw this.unexpected(at);
    }
    return at + 5;
  }
}

const SPARE_MIN = 32 * 1024;
const SPARE_MAX = 2 * 1024 * 1024;
/**
 * Of the last long text that is done with: memory that comes and goes with each of them is not
 * given back to the host.
 */
let spare: Uint16Array | undefined;

function codesOf(text: string): Uint16Array {
  const codes = takeCodes(text.length + 1);
  Buffer.from(codes.buffer, codes.byteOffset, 2 * text.length).write(text, 'utf16le');
  codes[text.length] = 0;
  return codes;
}

function takeCodes(length: number): Uint16Array {
  if (length < SPARE_MIN) {
    const bytes = Buffer.allocUnsafe(2 * length);
    return new Uint16Array(bytes.buffer, bytes.byteOffset, length);
  }
  const codes = spare !== undefined && spare.length >= length ? spare : new Uint16Array(length);
  spare = undefined;
  return codes;
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}
