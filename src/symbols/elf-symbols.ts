import { readSync } from 'node:fs';

/**
 * Function names of ELF files (elf(5)). A guest can bring such a file, so nothing in it is believed: each offset, size and
 * count is held against the length of the file before anything is read by it.
 */

export interface SymbolMatch {
  readonly name: string;
  /** Bytes from the symbol's start. */
  readonly offset: number;
}

/** An ELF file, which may lie inside a larger one. */
export interface ElfPlace {
  /** Descriptor of the file that holds it. */
  readonly fd: number;
  /** Where it begins there, and how long it is. */
  readonly base: number;
  readonly bytes: number;
}

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_DYNSYM = 11;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const NAME_MAX_BYTES = 1024;
const CHUNK_BYTES = SYMBOL_BYTES * 40_000;

/** Bytes of the file, all of which are there. */
interface Range {
  readonly offset: number;
  readonly bytes: number;
}

interface Section extends Range {
  readonly type: number;
  readonly link: number;
  readonly entryBytes: number;
}

class Elf {
  readonly #place: ElfPlace;

  constructor(place: ElfPlace) {
    this.#place = place;
  }

  /** The range, if the file has it. Numbers of 64 bits come as they are, so nothing overflows. */
  range(offset: bigint, bytes: bigint): Range | undefined {
    const end = offset + bytes;
    return end > BigInt(this.#place.bytes) ? undefined : { offset: Number(offset), bytes: Number(bytes) };
  }

  /** Shorter at the end of the file. */
  read({ offset, bytes }: Range): Buffer {
    const { fd, base, bytes: length } = this.#place;
    const buffer = Buffer.alloc(Math.max(0, Math.min(bytes, length - offset)));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, base + offset));
  }

  /** Whole records of a table; none if the file does not hold the table. */
  *records(offset: bigint, count: number, bytes: number): Generator<Buffer> {
    const range = this.range(offset, BigInt(count) * BigInt(bytes));
    const table = range === undefined ? Buffer.alloc(0) : this.read(range);
    for (let at = 0; at + bytes <= table.length; at += bytes) yield table.subarray(at, at + bytes);
  }
}

/**
 * The function at a byte of an ELF file.
 * @param at file offset within it, or an address if `isAddress`
 */
export function symbolAt(place: ElfPlace, at: number, isAddress = false): SymbolMatch | undefined {
  const elf = new Elf(place);
  const header = elf.read({ offset: 0, bytes: HEADER_BYTES });
  if (header.length < HEADER_BYTES || !isElf64(header)) return undefined;
  const address = isAddress ? BigInt(at) : addressOf(elf, header, BigInt(at));
  return address === undefined ? undefined : findSymbol(elf, header, address);
}

function isElf64(header: Buffer): boolean {
  return header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2 && header[5] === 1;
}

function addressOf(elf: Elf, header: Buffer, offset: bigint): bigint | undefined {
  if (header.readUInt16LE(54) !== SEGMENT_BYTES) return undefined;
  for (const segment of elf.records(header.readBigUInt64LE(32), header.readUInt16LE(56), SEGMENT_BYTES)) {
    const start = segment.readBigUInt64LE(8);
    const end = start + segment.readBigUInt64LE(32);
    if (segment.readUInt32LE(0) === PT_LOAD && offset >= start && offset < end) {
      return segment.readBigUInt64LE(16) + offset - start;
    }
  }
  return undefined;
}

function findSymbol(elf: Elf, header: Buffer, address: bigint): SymbolMatch | undefined {
  const sections = sectionsOf(elf, header);
  const table =
    sections.find((each) => each?.type === SHT_SYMTAB) ?? sections.find((each) => each?.type === SHT_DYNSYM);
  const names = table === undefined ? undefined : sections[table.link];
  if (table?.entryBytes !== SYMBOL_BYTES || names?.type !== SHT_STRTAB) return undefined;
  const nearest = nearestBelow(elf, table, address);
  if (nearest === undefined) return undefined;
  return { name: nameAt(elf, names, nearest.nameOffset), offset: Number(address - nearest.value) };
}

/** By their numbers; undefined for one that the file does not hold. */
function sectionsOf(elf: Elf, header: Buffer): (Section | undefined)[] {
  if (header.readUInt16LE(58) !== SECTION_BYTES) return [];
  const records = elf.records(header.readBigUInt64LE(40), header.readUInt16LE(60), SECTION_BYTES);
  return Array.from(records, (section) => {
    const range = elf.range(section.readBigUInt64LE(24), section.readBigUInt64LE(32));
    const entry = section.readBigUInt64LE(56);
    return (
      range && {
        ...range,
        type: section.readUInt32LE(4),
        link: section.readUInt32LE(40),
        entryBytes: entry > BigInt(SYMBOL_BYTES) ? 0 : Number(entry),
      }
    );
  });
}

/** What does not end within the table, or is very long, is cut. */
function nameAt(elf: Elf, names: Section, offset: number): string {
  const bytes = Math.max(0, Math.min(NAME_MAX_BYTES, names.bytes - offset));
  const text = elf.read({ offset: names.offset + offset, bytes });
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? text.length : end);
}

interface Nearest {
  readonly value: bigint;
  readonly nameOffset: number;
}

/**
 * The last function that starts at or below the address and, if it has a size, reaches it. One pass over a table that is no
 * longer than the file: to sort it first would take longer than the two look-ups of an inspection.
 */
function nearestBelow(elf: Elf, table: Range, address: bigint): Nearest | undefined {
  let best: Nearest | undefined;
  const high = Number(address >> 32n);
  for (let at = 0; at < table.bytes; at += CHUNK_BYTES) {
    const bytes = Math.min(CHUNK_BYTES, table.bytes - at);
    const chunk = elf.read({ offset: table.offset + at, bytes });
    for (let i = 0; i + SYMBOL_BYTES <= chunk.length; i += SYMBOL_BYTES) {
      // Most symbols are not code, or lie above: told without a number of 64 bits.
      if (isCode(chunk, i) && chunk.readUInt32LE(i + 12) <= high) best = better(best, chunk, i, address);
    }
  }
  return best;
}

function better(
  best: Nearest | undefined,
  symbols: Buffer,
  at: number,
  address: bigint,
): Nearest | undefined {
  const value = symbols.readBigUInt64LE(at + 8);
  if (value > address || (best !== undefined && value < best.value)) return best;
  const size = symbols.readBigUInt64LE(at + 16);
  return size === 0n || address < value + size ? { value, nameOffset: symbols.readUInt32LE(at) } : best;
}

/** Defined, and a function or a label of assembly code. */
function isCode(symbols: Buffer, at: number): boolean {
  const type = symbols.readUInt8(at + 4) & 0xf;
  return (
    symbols.readUInt16LE(at + 6) !== 0 && (type === STT_FUNC || type === STT_GNU_IFUNC || type === STT_NOTYPE)
  );
}
