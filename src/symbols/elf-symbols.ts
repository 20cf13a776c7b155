import { type FileHandle, open } from 'node:fs/promises';

/** Function names of ELF files (elf(5)), which may lie inside a larger file. */

export interface SymbolMatch {
  readonly name: string;
  /** Bytes from the symbol's start. */
  readonly offset: number;
}

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const NAME_MAX_BYTES = 1024;
const CHUNK_BYTES = SYMBOL_BYTES * 40_000;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
}

class ElfReader {
  readonly #file: FileHandle;
  readonly #base: number;

  constructor(file: FileHandle, base: number) {
    this.#file = file;
    this.#base = base;
  }

  async read(offset: number, bytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await this.#file.read(buffer, 0, bytes, this.#base + offset);
    return buffer.subarray(0, bytesRead);
  }

  async records(offset: number, count: number, bytes: number): Promise<Buffer[]> {
    const table = await this.read(offset, count * bytes);
    return Array.from({ length: Math.floor(table.length / bytes) }, (_, i) =>
      table.subarray(i * bytes, (i + 1) * bytes),
    );
  }
}

/**
 * The function at a byte of an ELF file.
 * @param path file that holds it, from byte `base` on
 * @param at file offset within it, or an address if `isAddress`
 */
export async function symbolAt(
  path: string,
  base: number,
  at: number,
  isAddress = false,
): Promise<SymbolMatch | undefined> {
  const file = await open(path);
  try {
    const elf = new ElfReader(file, base);
    const header = await elf.read(0, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2) {
      return undefined;
    }
    const address = isAddress ? at : await addressOf(elf, header, at);
    return address === undefined ? undefined : await findSymbol(elf, header, address);
  } finally {
    await file.close();
  }
}

async function addressOf(elf: ElfReader, header: Buffer, offset: number): Promise<number | undefined> {
  const at = Number(header.readBigUInt64LE(32));
  for (const segment of await elf.records(at, header.readUInt16LE(56), SEGMENT_BYTES)) {
    const start = Number(segment.readBigUInt64LE(8));
    if (
      segment.readUInt32LE(0) === PT_LOAD &&
      offset >= start &&
      offset < start + Number(segment.readBigUInt64LE(32))
    ) {
      return Number(segment.readBigUInt64LE(16)) + offset - start;
    }
  }
  return undefined;
}

async function findSymbol(elf: ElfReader, header: Buffer, address: number): Promise<SymbolMatch | undefined> {
  const at = Number(header.readBigUInt64LE(40));
  const sections = (await elf.records(at, header.readUInt16LE(60), SECTION_BYTES)).map(decodeSection);
  const table =
    sections.find(({ type }) => type === SHT_SYMTAB) ?? sections.find(({ type }) => type === SHT_DYNSYM);
  const names = table === undefined ? undefined : sections[table.link];
  if (table === undefined || names === undefined) {
    return undefined;
  }
  const nearest = await nearestBelow(elf, table, address);
  if (nearest === undefined) {
    return undefined;
  }
  const text = await elf.read(names.offset + nearest.nameOffset, NAME_MAX_BYTES);
  const end = text.indexOf(0);
  return { name: text.toString('utf8', 0, end < 0 ? text.length : end), offset: address - nearest.value };
}

function decodeSection(section: Buffer): Section {
  return {
    type: section.readUInt32LE(4),
    offset: Number(section.readBigUInt64LE(24)),
    bytes: Number(section.readBigUInt64LE(32)),
    link: section.readUInt32LE(40),
  };
}

interface Nearest {
  readonly value: number;
  readonly nameOffset: number;
}

/** The last function that starts at or below the address and, if it has a size, reaches it. */
async function nearestBelow(elf: ElfReader, table: Section, address: number): Promise<Nearest | undefined> {
  let best: Nearest | undefined;
  for (let at = 0; at < table.bytes; at += CHUNK_BYTES) {
    const chunk = await elf.read(table.offset + at, Math.min(CHUNK_BYTES, table.bytes - at));
    for (let i = 0; i + SYMBOL_BYTES <= chunk.length; i += SYMBOL_BYTES) {
      const value = chunk.readUInt32LE(i + 12) * 2 ** 32 + chunk.readUInt32LE(i + 8);
      if (value > address || (best !== undefined && value < best.value) || !isCode(chunk, i)) {
        continue;
      }
      const size = chunk.readUInt32LE(i + 16);
      if (size === 0 || address < value + size) {
        best = { value, nameOffset: chunk.readUInt32LE(i) };
      }
    }
  }
  return best;
}

/** Defined, and a function or a label of assembly code. */
function isCode(symbols: Buffer, at: number): boolean {
  const type = symbols.readUInt8(at + 4) & 0xf;
  return (
    symbols.readUInt16LE(at + 6) !== 0 && (type === STT_FUNC || type === STT_GNU_IFUNC || type === STT_NOTYPE)
  );
}
