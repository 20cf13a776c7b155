import { closeSync, fstatSync, openSync } from 'node:fs';
import { ElfFile } from './elf-file.ts';

/** What the dynamic linker would need to know of an ELF file (elf(5)). */
interface ElfDependencies {
  /** Path of the dynamic linker (PT_INTERP). */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_RUNPATH or DT_RPATH, split, $ORIGIN not yet replaced. */
  readonly searchPath: readonly string[];
}

const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;
const DYNAMIC_BYTES = 16;
const STRING_MAX_BYTES = 4096;

/** Reads the dependencies of an ELF file; undefined for anything that is not 64-bit ELF. */
export function readElfDependencies(path: string): ElfDependencies | undefined {
  const fd = openSync(path, 'r');
  try {
    const elf = ElfFile.at({ fd, base: 0, bytes: fstatSync(fd).size });
    return elf && dependenciesOf(elf);
  } finally {
    closeSync(fd);
  }
}

function dependenciesOf(elf: ElfFile): ElfDependencies {
  const dynamic = dynamicOf(elf);
  const stringsAt = dynamic.find(({ tag }) => tag === DT_STRTAB);
  const strings = stringsAt && elf.offsetOf(stringsAt.value);
  const values = (wanted: bigint): string[] =>
    strings === undefined
      ? []
      : dynamic.filter(({ tag }) => tag === wanted).map(({ value }) => stringAt(elf, strings + value));
  const interpreter = elf.segments.find(({ type }) => type === PT_INTERP);
  const paths = [...values(DT_RUNPATH), ...values(DT_RPATH)];
  return {
    interpreter: interpreter && stringAt(elf, interpreter.offset),
    needed: values(DT_NEEDED),
    searchPath: paths.flatMap((path) => path.split(':')).filter((path) => path !== ''),
  };
}

interface Dynamic {
  readonly tag: bigint;
  readonly value: bigint;
}

function dynamicOf(elf: ElfFile): Dynamic[] {
  const segment = elf.segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) return [];
  const records = elf.records(segment.offset, segment.bytes / BigInt(DYNAMIC_BYTES), DYNAMIC_BYTES);
  return Array.from(records, (entry) => ({
    tag: entry.readBigUInt64LE(0),
    value: entry.readBigUInt64LE(8),
  }));
}

/** Empty if the file does not reach so far. */
function stringAt(elf: ElfFile, offset: bigint): string {
  const start = elf.range(offset, 0n);
  return start === undefined ? '' : elf.text({ offset: start.offset, bytes: STRING_MAX_BYTES });
}
