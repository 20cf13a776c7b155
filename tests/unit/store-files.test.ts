import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { measureFile } from '../../src/store/files.ts';

const KIB = 1024;
const BLOCK = 64 * KIB;

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'files-'));
});
after(() => rm(dir, { recursive: true }));

function offset(at: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(at));
  return bytes;
}

describe('the measure of a file', () => {
  it('leaves blocks of zeroes out, but not where the others lie', async () => {
    const data = Buffer.alloc(700 * KIB + 5, 'seuss');
    data.fill(0, BLOCK, 3 * BLOCK);
    const expected = createHash('sha256');
    for (let at = 0; at < data.length; at += BLOCK) {
      if (at < BLOCK || at >= 3 * BLOCK) expected.update(offset(at)).update(data.subarray(at, at + BLOCK));
    }
    const path = join(dir, 'blocks');
    await writeFile(path, data);
    const { bytes, checksum } = await measureFile(path);
    assert.deepEqual([bytes, checksum], [data.length, expected.update(offset(data.length)).digest('hex')]);
  });

  it('is that of the file alone, whatever was measured before or is meanwhile', async () => {
    const sizes = [0, 1, 300 * KIB, 10, BLOCK, 513 * KIB, 3];
    const paths = await Promise.all(
      sizes.map(async (bytes, n) => {
        const path = join(dir, `size-${n}`);
        await writeFile(path, Buffer.alloc(bytes, 97 + n));
        return path;
      }),
    );
    const alone: string[] = [];
    for (const path of paths) alone.push((await measureFile(path)).checksum);
    assert.equal(new Set(alone).size, sizes.length);
    const many = Array.from({ length: 30 }, (_, i) => i % sizes.length);
    const together = await Promise.all(many.map((n) => measureFile(paths[n] as string)));
    assert.deepEqual(
      together.map(({ checksum }) => checksum),
      many.map((n) => alone[n]),
    );
  });

  it('takes no new memory for each file: collections would hold starts up', async () => {
    const path = join(dir, 'large');
    await writeFile(path, '');
    await truncate(path, 256 * KIB);
    await measureFile(path);
    const used = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 24; n++) await measureFile(path);
    assert.ok(process.memoryUsage().arrayBuffers - used < 2 ** 20);
  });
});
