import { ElfFile, type ElfPlace, type Range, type Section } from './elf-file.ts';

/** The function of an ELF file that an address is in. */
export interface SymbolMatch {
  readonly name: string;
  /** Bytes from the symbol's start. */
  readonly offset: number;
}

const SYMBOL_BYTES = 24;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_DYNSYM = 11;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const NAME_MAX_BYTES = 1024;
const CHUNK_BYTES = SYMBOL_BYTES * 40_000;

/**
 * The function at a byte of an ELF file.
 * @param at file offset within it, or an address if `isAddress`
 */
export function symbolAt(place: ElfPlace, at: number, isAddress = false): SymbolMatch | undefined {
  const elf = ElfFile.at(place);
  const address = isAddress ? BigInt(at) : elf?.addressOf(BigInt(at));
  return elf && address !== undefined ? findSymbol(elf, address) : undefined;
}

function findSymbol(elf: ElfFile, address: bigint): SymbolMatch | undefined {
  const sections = elf.sections();
  const table =
    sections.find((each) => each?.type === SHT_SYMTAB) ?? sections.find((each) => each?.type === SHT_DYNSYM);
  const names = table === undefined ? undefined : sections[table.link];
  if (table?.entryBytes !== SYMBOL_BYTES || names?.type !== SHT_STRTAB) return undefined;
  const nearest = nearestBelow(elf, table, address);
  if (nearest === undefined) return undefined;
  return { name: nameAt(elf, names, nearest.nameOffset), offset: Number(address - nearest.value) };
}

/** What does not end within the table, or is very long, is cut. */
function nameAt(elf: ElfFile, names: Section, offset: number): string {
  const bytes = Math.max(0, Math.min(NAME_MAX_BYTES, names.bytes - offset));
  return elf.text({ offset: names.offset + offset, bytes });
}

interface Nearest {
  readonly value: bigint;
  readonly nameOffset: number;
}

/**
 * The last function that starts at or below the address and, if it has a size, reaches it. One pass
 * over a table that is no longer than the file: to sort it first would take longer than the two
 * look-ups of an inspection.
 */
function nearestBelow(elf: ElfFile, table: Range, address: bigint): Nearest | undefined {
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
