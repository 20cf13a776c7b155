/** ELF files: those of a guest, whose functions are named, and those whose libraries are looked for. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libosPath } from '../../../src/contract/paths.ts';
import { readElfDependencies } from '../../../src/elf/dependencies.ts';
import { symbolAt } from '../../../src/elf/symbols.ts';
import type { Target } from '../target.ts';

const HEAD = 64;
const dir = mkdtempSync(join(tmpdir(), 'seuss-fuzz-'));
const path = join(dir, 'file');
const fd = openSync(path, 'w+');

function put(input: Buffer): void {
  ftruncateSync(fd, 0);
  writeSync(fd, input, 0, input.length, 0);
}

/** A real one, cut: its section table is moved to where it still fits. */
function small(): Buffer {
  const whole = readFileSync(libosPath);
  const sections = Number(whole.readBigUInt64LE(40));
  const table = whole.subarray(sections, sections + whole.readUInt16LE(60) * HEAD);
  const file = Buffer.concat([whole.subarray(0, 8192), table, whole.subarray(sections - 16384, sections)]);
  file.writeBigUInt64LE(8192n, 40);
  return file;
}

export const elves: Target = {
  name: 'elves',
  seeds: () => [small(), readFileSync(libosPath).subarray(0, 32768)],
  one: (input) => {
    put(input);
    for (const at of [0, 0x1010, 0x18000100]) {
      for (const isAddress of [false, true]) symbolAt({ fd, base: 0, bytes: input.length }, at, isAddress);
    }
    symbolAt({ fd, base: Math.min(64, input.length), bytes: Math.max(0, input.length - 64) }, 0);
    readElfDependencies(path);
  },
  close: () => {
    closeSync(fd);
    rmSync(dir, { recursive: true, force: true });
  },
};
