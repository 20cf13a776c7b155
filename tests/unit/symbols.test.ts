/** Names for addresses, out of files that a guest may have forged. */
import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { libosPath } from '../../src/contract/paths.ts';
import { symbolAt } from '../../src/elf/symbols.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { ROWS_MAX } from '../../src/symbols/inspection.ts';
import { Inspector } from '../../src/symbols/inspector.ts';
import { PLAN_ANONYMOUS, Size, UcLayout } from '../../src/tender/abi.gen.ts';
import { Random } from '../capture/random.ts';

const MUTATIONS = 4000;
const PAGE = 4096;

let dir: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-symbols-'));
});
after(() => rm(dir, { recursive: true }));

interface Entry {
  name?: number;
  type?: number;
  section?: number;
  value?: bigint;
  size?: bigint;
}

/** An ELF file with one segment, a symbol table and its names; each field can be forged. */
function elf(
  symbols: readonly Entry[],
  forge: {
    shoff?: bigint;
    shnum?: number;
    entry?: bigint;
    offset?: bigint;
    bytes?: bigint;
    link?: number;
  } = {},
): Buffer {
  const names = Buffer.from('\0first\0second\0\x1b[31mred');
  const [symbolsAt, namesAt] = [0x1000, 0x1000 + symbols.length * 24];
  const sectionsAt = Math.ceil((namesAt + names.length) / 64) * 64;
  const file = Buffer.alloc(sectionsAt + 3 * 64);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(forge.shoff ?? BigInt(sectionsAt), 40);
  [64, 56, 1, 64, forge.shnum ?? 3].forEach((value, i) => {
    file.writeUInt16LE(value, 52 + i * 2);
  });
  file.writeUInt32LE(1, 64);
  file.writeBigUInt64LE(0x40_0000n, 80);
  file.writeBigUInt64LE(0x1000n, 96);
  for (const [i, { name = 0, type = 2, section = 1, value = 0n, size = 0n }] of symbols.entries()) {
    const at = symbolsAt + i * 24;
    file.writeUInt32LE(name, at);
    file.writeUInt8(type, at + 4);
    file.writeUInt16LE(section, at + 6);
    file.writeBigUInt64LE(value, at + 8);
    file.writeBigUInt64LE(size, at + 16);
  }
  names.copy(file, namesAt);
  const section = (
    index: number,
    type: number,
    offset: bigint,
    bytes: bigint,
    link: number,
    entry: bigint,
  ) => {
    const at = sectionsAt + index * 64;
    file.writeUInt32LE(type, at + 4);
    file.writeBigUInt64LE(offset, at + 24);
    file.writeBigUInt64LE(bytes, at + 32);
    file.writeUInt32LE(link, at + 40);
    file.writeBigUInt64LE(entry, at + 56);
  };
  const { offset = BigInt(symbolsAt), bytes = BigInt(symbols.length * 24), link = 2, entry = 24n } = forge;
  section(1, 2, offset, bytes, link, entry);
  section(2, 3, BigInt(namesAt), BigInt(names.length), 0, 0n);
  return file;
}

function look(file: Buffer, at: number, isAddress = false) {
  const path = join(dir, 'elf');
  writeFileSync(path, file);
  const fd = openSync(path, 'r');
  try {
    return symbolAt({ fd, base: 0, bytes: file.length }, at, isAddress);
  } finally {
    closeSync(fd);
  }
}

const TWO: Entry[] = [
  { name: 1, value: 0x40_0010n, size: 0x20n },
  { name: 7, value: 0x40_0080n },
];

describe('a symbol', () => {
  it('is found by address and by offset in the file', () => {
    assert.deepEqual(look(elf(TWO), 0x40_0018, true), { name: 'first', offset: 8 });
    assert.deepEqual(look(elf(TWO), 0x18), { name: 'first', offset: 8 });
    assert.deepEqual(look(elf(TWO), 0x90), { name: 'second', offset: 0x10 });
    // Behind the end of the first, before the second.
    assert.equal(look(elf(TWO), 0x50), undefined);
    assert.equal(look(elf(TWO), 0x5000), undefined);
  });

  it('of a forged file is none, or one whose name the file holds', () => {
    const far = 2n ** 64n - 1n;
    for (const forge of [
      { shoff: far },
      { shoff: far - 63n, shnum: 65_535 },
      { shnum: 65_535 },
      { entry: 0n },
      { entry: far },
      { entry: 1n },
      { bytes: far },
      { bytes: 2n ** 53n },
      { offset: far, bytes: 24n },
      { offset: far - 100n, bytes: far },
      { link: 0xffff_ffff },
      { link: 1 },
    ]) {
      assert.equal(
        look(elf(TWO, forge), 0x18),
        undefined,
        JSON.stringify(forge, (_k, v) => String(v)),
      );
    }
    const named = (name: number) => look(elf([{ name, value: 0x40_0000n, size: far }]), 0x18)?.name;
    assert.equal(named(0xffff_ffff), '');
    assert.equal(named(16), '31mred');
    assert.equal(look(elf([{ name: 1, value: far }]), 0x18), undefined);
  });

  it('is looked for within the bounds of any file, however its bytes lie', () => {
    const numbers = new Random(20_261_130);
    const random = (below: number) => Math.floor(numbers.next() * below);
    const path = join(dir, 'fuzzed');
    copyFileSync(libosPath, path);
    const fd = openSync(path, 'r+');
    const { size } = fstatSync(fd);
    const head = Buffer.alloc(64);
    readSync(fd, head, 0, 64, 0);
    const sections = Number(head.readBigUInt64LE(40));
    const original = readFileSync(path);
    try {
      for (let turn = 0; turn < MUTATIONS; turn++) {
        const places = Array.from({ length: 1 + random(4) }, () => {
          const base = [0, sections, random(size)][random(3)] as number;
          return Math.min(size - 8, base + random(base === 0 ? 120 : 2000));
        });
        for (const place of places) {
          const value = Buffer.alloc(8, [0, 0xff, random(256)][random(3)]);
          writeSync(fd, value, 0, 1 + random(8), place);
        }
        const bytes = random(8) === 0 ? random(size) : size;
        const found = symbolAt({ fd, base: 0, bytes }, UcLayout.libosBase + random(size), true);
        symbolAt({ fd, base: 0, bytes }, random(size));
        assert.ok(found === undefined || found.name.length <= 1024, `turn ${turn}`);
        for (const place of places) writeSync(fd, original, place, 8, place);
      }
    } finally {
      closeSync(fd);
    }
  });
});

/** `struct plan_map`, as often as wanted: each page of its own, out of image 0 or nowhere. */
function mapsPayload(count: number): Uint8Array {
  const payload = Buffer.alloc(count * Size.planMap);
  for (let i = 0; i < count; i++) {
    const at = i * Size.planMap;
    payload.writeBigUInt64LE(BigInt(0x40_0000 + i * 2 * PAGE), at);
    payload.writeBigUInt64LE(BigInt(PAGE), at + 8);
    payload.writeBigUInt64LE(BigInt((i % 3000) * PAGE), at + 16);
    payload.writeUInt16LE(i % 2 === 0 ? 0 : PLAN_ANONYMOUS, at + 24);
    payload.writeUInt16LE(5, at + 26);
  }
  return new Uint8Array(payload);
}

describe('an inspection', () => {
  it('names what is mapped, without what could steer a terminal', async () => {
    const path = join(dir, 'image.erofs');
    const file = elf(TWO);
    await writeImage(path, [
      { path: '/lib/\x1b[2Jx.so', mode: 0o644, source: { type: 'bytes', data: file } },
    ]);
    const inspector = new Inspector();
    const all = Array.from({ length: 40 }, (_, offset) => offset * PAGE);
    const payload = Buffer.alloc(all.length * Size.planMap);
    for (const [i, offset] of all.entries()) {
      const at = i * Size.planMap;
      payload.writeBigUInt64LE(BigInt(0x40_0000 + offset), at);
      payload.writeBigUInt64LE(BigInt(PAGE), at + 8);
      payload.writeBigUInt64LE(BigInt(offset), at + 16);
      payload.writeUInt16LE(5, at + 26);
    }
    const images = [{ path, mountPoint: '/action' }];
    const request = { images, ownSource: undefined, guestRip: undefined };
    const { memoryMap } = await inspector.maps({ ...request, payload: new Uint8Array(payload), rip: 1 });
    const at = memoryMap.find(({ source }) => source.endsWith('x.so'))?.start ?? 0;
    assert.equal(memoryMap.find(({ start }) => start === at)?.source, '/action/lib/\ufffd[2Jx.so');
    const named = await inspector.maps({ ...request, payload: new Uint8Array(payload), rip: at + 0x18 });
    assert.equal(named.programCounter.symbol, 'first+0x8 (/action/lib/\ufffd[2Jx.so)');
  });

  it('of 65,000 mappings tells the first, and leaves the node its thread', async () => {
    const path = join(dir, 'many.erofs');
    const files = Array.from({ length: 3000 }, (_, i) => ({
      path: `/f${i}`,
      mode: 0o644,
      source: { type: 'bytes', data: Buffer.from('x') } as const,
    }));
    await writeImage(path, files);
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    try {
      const inspected = await new Inspector().maps({
        payload: mapsPayload(65_000),
        images: [
          { path, mountPoint: '/' },
          { path: join(dir, 'gone'), mountPoint: '/action' },
        ],
        ownSource: undefined,
        rip: 0x40_0000 + 64_999 * 2 * PAGE,
        guestRip: 0x40_0000 + 2 * PAGE - 1,
      });
      assert.equal(inspected.memoryMap.length, ROWS_MAX);
      assert.ok(inspected.memoryMap.some(({ source }) => source === '/f2000'));
      assert.equal(inspected.programCounter.symbol, '[jit]');
      assert.equal(inspected.guestCounter?.symbol, null);
      assert.ok(turns > 3, `${turns} turns of the event loop`);
    } finally {
      clearInterval(ticking);
    }
  });

  it('that fails fails alone', async () => {
    const inspector = new Inspector();
    const broken = {
      payload: new Uint8Array(3),
      images: [],
      ownSource: undefined,
      rip: 0,
      guestRip: undefined,
    };
    const [first, second] = await Promise.all([
      inspector.maps(broken),
      inspector.diff(new Uint8Array(24).fill(0xff)).catch((error: Error) => error.message),
    ]);
    assert.deepEqual(first.memoryMap, []);
    assert.match(String(second), /unknown kind/);
  });
});
