import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What the dynamic linker would need to know of an ELF file (elf(5)). */
export interface ElfDependencies {
  /** Path of the dynamic linker (PT_INTERP). */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_RUNPATH or DT_RPATH, split, $ORIGIN not yet replaced. */
  readonly searchPath: readonly string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const STRING_MAX_BYTES = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

class ElfFile {
  readonly #fd: number;
  readonly #bytes: number;
  readonly segments: readonly Segment[];

  constructor(fd: number, header: Buffer) {
    this.#fd = fd;
    this.#bytes = fstatSync(fd).size;
    const table = this.read(
      Number(header.readBigUInt64LE(32)),
      header.readUInt16LE(56) * PROGRAM_HEADER_BYTES,
    );
    const segments: Segment[] = [];
    for (let at = 0; at + PROGRAM_HEADER_BYTES <= table.length; at += PROGRAM_HEADER_BYTES) {
      segments.push({
        type: table.readUInt32LE(at),
        offset: Number(table.readBigUInt64LE(at + 8)),
        address: Number(table.readBigUInt64LE(at + 16)),
        bytes: Number(table.readBigUInt64LE(at + 32)),
      });
    }
    this.segments = segments;
  }

  /** Returns fewer bytes at the end of the file: numbers in a damaged one may be any. */
  read(offset: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(Math.max(0, Math.min(bytes, this.#bytes - offset)));
    if (buffer.length === 0) return buffer;
    return buffer.subarray(0, readSync(this.#fd, buffer, 0, buffer.length, offset));
  }

  string(offset: number): string {
    const bytes = this.read(offset, STRING_MAX_BYTES);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  }

  /** File offset of an address, or undefined if no segment holds it. */
  offsetOf(address: number): number | undefined {
    const segment = this.segments.find(
      ({ type, address: start, bytes }) => type === PT_LOAD && address >= start && address < start + bytes,
    );
    return segment === undefined ? undefined : address - segment.address + segment.offset;
  }

  dynamic(): [tag: bigint, value: number][] {
    const segment = this.segments.find(({ type }) => type === PT_DYNAMIC);
    const table = segment === undefined ? Buffer.alloc(0) : this.read(segment.offset, segment.bytes);
    const entries: [bigint, number][] = [];
    for (let at = 0; at + 16 <= table.length; at += 16) {
      entries.push([table.readBigUInt64LE(at), Number(table.readBigUInt64LE(at + 8))]);
    }
    return entries;
  }
}

function isElf64(header: Buffer): boolean {
  return (
    header.length === HEADER_BYTES &&
    header.readUInt32BE(0) === 0x7f454c46 &&
    header[4] === 2 &&
    header[5] === 1
  );
}

function dependenciesOf(elf: ElfFile): ElfDependencies {
  const dynamic = elf.dynamic();
  const strings = elf.offsetOf(dynamic.find(([tag]) => tag === DT_STRTAB)?.[1] ?? -1);
  const values = (wanted: bigint): string[] =>
    strings === undefined
      ? []
      : dynamic.filter(([tag]) => tag === wanted).map(([, value]) => elf.string(strings + value));
  const interpreter = elf.segments.find(({ type }) => type === PT_INTERP);
  const paths = [...values(DT_RUNPATH), ...values(DT_RPATH)];
  return {
    interpreter: interpreter === undefined ? undefined : elf.string(interpreter.offset),
    needed: values(DT_NEEDED),
    searchPath: paths.flatMap((path) => path.split(':')).filter((path) => path !== ''),
  };
}

/** Reads the dependencies of an ELF file; undefined for anything that is not 64-bit ELF. */
export function readElfDependencies(path: string): ElfDependencies | undefined {
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const length = readSync(fd, header, 0, HEADER_BYTES, 0);
    if (!isElf64(header.subarray(0, length))) {
      return undefined;
    }
    return dependenciesOf(new ElfFile(fd, header));
  } finally {
    closeSync(fd);
  }
}
