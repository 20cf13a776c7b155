const VALUES = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
/** Bytes that mean something in one format or another. */
const TOKENS = [
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  'true',
  '1e400',
  '-0',
  '-',
  '.',
  '0x',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '/',
  '//',
  '%2e',
  '%2F',
  '%00',
  '\0',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\xff',
  '\xc3',
  '\u2028',
  'Infinity',
  'NaN',
  '99999999999999999999',
  '"id":',
  '"op":',
  'PK\x03\x04',
  '\x7fELF',
];
const CHANGES_MAX = 6;
const BYTES_MAX = 64 * 1024;

/** A series of numbers that is the same for the same seed (xorshift64*, Vigna). */
export class Series {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n + 0x853c49e6748fea9bn) || 1n;
  }

  below(n: number): number {
    this.#state ^= BigInt.asUintN(64, this.#state << 13n);
    this.#state ^= this.#state >> 7n;
    this.#state ^= BigInt.asUintN(64, this.#state << 17n);
    return n <= 0 ? 0 : Number((this.#state >> 20n) & 0xffffffffn) % n;
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

/** A damaged copy. @param others whose parts it may get */
export function mutate(input: Buffer, others: readonly Buffer[], series: Series): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let changes = 1 + series.below(CHANGES_MAX); changes > 0; changes--) {
    bytes = change(bytes, others, series);
  }
  return bytes.subarray(0, BYTES_MAX);
}

function change(bytes: Buffer, others: readonly Buffer[], series: Series): Buffer {
  const at = series.below(bytes.length + 1);
  switch (series.below(8)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + series.below(64))]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), part(bytes, series), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), part(series.of(others), series), bytes.subarray(at)]);
    case 3:
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(series.of(TOKENS), 'latin1'),
        bytes.subarray(at),
      ]);
    case 5:
      return Buffer.concat([
        bytes.subarray(0, at),
        part(series.of(others), series),
        bytes.subarray(at + series.below(16)),
      ]);
    case 6:
      putNumber(bytes, at, series);
      return bytes;
    default:
      if (at < bytes.length)
        bytes[at] =
          series.below(2) === 0 ? series.below(256) : (bytes[at] as number) ^ (1 << series.below(8));
      return bytes;
  }
}

function part(of: Buffer, series: Series): Buffer {
  const from = series.below(of.length);
  return of.subarray(from, from + 1 + series.below(series.below(4) === 0 ? 1024 : 24));
}

function putNumber(bytes: Buffer, at: number, series: Series): void {
  const value = series.below(2) === 0 ? series.of(VALUES) : series.below(2 ** 32);
  const width = series.of([1, 2, 4]);
  if (at + width > bytes.length) return;
  if (series.below(2) === 0) bytes.writeUIntLE(value % 256 ** width, at, width);
  else bytes.writeUIntBE(value % 256 ** width, at, width);
}
