import { readSync } from 'node:fs';

/**
 * The headers of ELF files (elf(5)). A guest can bring such a file, so nothing in it is believed:
 * each offset, size and count is held against the length of the file before anything is read by it.
 */

/** An ELF file, which may lie inside a larger one. */
export interface ElfPlace {
  /** Descriptor of the file that holds it. */
  readonly fd: number;
  /** Where it begins there, and how long it is. */
  readonly base: number;
  readonly bytes: number;
}

/** Bytes of the file, all of which are there. */
export interface Range {
  readonly offset: number;
  readonly bytes: number;
}

/** As the file says: it may be nowhere in it. */
interface Segment {
  readonly type: number;
  readonly offset: bigint;
  readonly address: bigint;
  readonly bytes: bigint;
}

export interface Section extends Range {
  readonly type: number;
  readonly link: number;
  /** Of one entry of a table; any size that does not fit 32 bits is 0. */
  readonly entryBytes: number;
}

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const PT_LOAD = 1;
const MAX_32_BITS = 0xffff_ffffn;

export class ElfFile {
  readonly #place: ElfPlace;
  readonly #header: Buffer;
  #segments: readonly Segment[] | undefined;

  private constructor(place: ElfPlace, header: Buffer) {
    this.#place = place;
    this.#header = header;
  }

  /** Undefined for anything that is not ELF of 64 bits, little-endian. */
  static at(place: ElfPlace): ElfFile | undefined {
    const header = readAt(place, { offset: 0, bytes: HEADER_BYTES });
    return header.length === HEADER_BYTES && isElf64(header) ? new ElfFile(place, header) : undefined;
  }

  /** None if the file does not hold their table. */
  get segments(): readonly Segment[] {
    this.#segments ??= this.#readSegments();
    return this.#segments;
  }

  /** By their numbers; undefined for one that the file does not hold. */
  sections(): (Section | undefined)[] {
    const header = this.#header;
    if (header.readUInt16LE(58) !== SECTION_BYTES) return [];
    const count = BigInt(header.readUInt16LE(60));
    return Array.from(this.records(header.readBigUInt64LE(40), count, SECTION_BYTES), (section) => {
      const range = this.range(section.readBigUInt64LE(24), section.readBigUInt64LE(32));
      const entryBytes = section.readBigUInt64LE(56);
      return (
        range && {
          ...range,
          type: section.readUInt32LE(4),
          link: section.readUInt32LE(40),
          entryBytes: entryBytes > MAX_32_BITS ? 0 : Number(entryBytes),
        }
      );
    });
  }

  /** Address of a byte of the file, or undefined if no segment loads it. */
  addressOf(offset: bigint): bigint | undefined {
    const segment = this.segments.find(
      ({ type, offset: start, bytes }) => type === PT_LOAD && offset >= start && offset < start + bytes,
    );
    return segment && segment.address + offset - segment.offset;
  }

  /** Offset in the file of an address, or undefined if no segment loads it. */
  offsetOf(address: bigint): bigint | undefined {
    const segment = this.segments.find(
      ({ type, address: start, bytes }) => type === PT_LOAD && address >= start && address < start + bytes,
    );
    return segment && segment.offset + address - segment.address;
  }

  /** The range, if the file has it. Numbers of 64 bits come as they are, so nothing overflows. */
  range(offset: bigint, bytes: bigint): Range | undefined {
    const end = offset + bytes;
    return end > BigInt(this.#place.bytes) ? undefined : { offset: Number(offset), bytes: Number(bytes) };
  }

  /** Shorter at the end of the file. */
  read(range: Range): Buffer {
    return readAt(this.#place, range);
  }

  /** Whole records of a table; none if the file does not hold the table. */
  *records(offset: bigint, count: bigint, bytes: number): Generator<Buffer> {
    const range = this.range(offset, count * BigInt(bytes));
    const table = range === undefined ? Buffer.alloc(0) : this.read(range);
    for (let at = 0; at + bytes <= table.length; at += bytes) yield table.subarray(at, at + bytes);
  }

  /** What does not end within `bytes`, or within the file, is cut. */
  text(range: Range): string {
    const text = this.read(range);
    const end = text.indexOf(0);
    return text.toString('utf8', 0, end < 0 ? text.length : end);
  }

  #readSegments(): Segment[] {
    const header = this.#header;
    if (header.readUInt16LE(54) !== SEGMENT_BYTES) return [];
    const count = BigInt(header.readUInt16LE(56));
    return Array.from(this.records(header.readBigUInt64LE(32), count, SEGMENT_BYTES), (segment) => ({
      type: segment.readUInt32LE(0),
      offset: segment.readBigUInt64LE(8),
      address: segment.readBigUInt64LE(16),
      bytes: segment.readBigUInt64LE(32),
    }));
  }
}

function readAt({ fd, base, bytes: length }: ElfPlace, { offset, bytes }: Range): Buffer {
  const buffer = Buffer.alloc(Math.max(0, Math.min(bytes, length - offset)));
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, base + offset));
}

function isElf64(header: Buffer): boolean {
  return header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2 && header[5] === 1;
}
