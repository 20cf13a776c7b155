/** Archives of actions: what is taken out of one stays below its folder, and within its bounds. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { CodeTree } from '../../../src/action/code-tree.ts';
import { CODE_LIMITS } from '../../../src/action/limits.ts';
import { readTarball } from '../../../src/action/tarball.ts';
import { readZip } from '../../../src/action/zip.ts';
import { PlatformError } from '../../../src/contract/errors.ts';
import { zipOf } from '../../support/archives.ts';
import { allowingLater, type Target } from '../target.ts';

const isPlatformError = (error: unknown): boolean => error instanceof PlatformError;
const BLOCK = 512;

async function check(read: () => Promise<CodeTree>): Promise<void> {
  const entries = await allowingLater(isPlatformError, async () => (await read()).finish());
  assert.ok((entries?.length ?? 0) <= CODE_LIMITS.entries);
  for (const { path } of entries ?? []) {
    assert.ok(path !== '' && !path.startsWith('/') && !path.includes('\0'), JSON.stringify(path));
    assert.ok(
      !path.split('/').some((part) => part === '..' || part === '.' || part === ''),
      JSON.stringify(path),
    );
  }
}

export const zips: Target = {
  name: 'zips',
  seeds: async () => [
    Buffer.from(
      await zipOf({ 'index.js': 'exports.main = () => ({});', 'lib/a.js': 'x'.repeat(2000) }),
      'base64',
    ),
    Buffer.from(await zipOf({ '__main__.py': 'def main(args):\n    return {}\n' }), 'base64'),
  ],
  one: (input) => check(() => readZip(input, 'it')),
};

/** An entry of a tar archive (ustar). */
function entry(name: string, type: string, content: string, link = ''): Buffer {
  const head = Buffer.alloc(BLOCK);
  head.write(name, 0);
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write(type, 156);
  head.write(link, 157);
  head.write('ustar\x0000', 257);
  signHead(head);
  return Buffer.concat([
    head,
    Buffer.from(content),
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
}

function signHead(head: Buffer): void {
  head.write('        ', 148);
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

/** The checksums of what looks like heads are made right again, or nothing but them would be found. */
function resigned(input: Buffer): Buffer {
  const tar = Buffer.from(input);
  for (let at = 0; at + BLOCK <= tar.length; at += BLOCK) {
    if (tar.toString('latin1', at + 257, at + 262) === 'ustar') signHead(tar.subarray(at, at + BLOCK));
  }
  return tar;
}

export const tarballs: Target = {
  name: 'tarballs',
  seeds: () => [
    Buffer.concat([
      entry('package/', '5', ''),
      entry('package/index.js', '0', 'exports.main = () => ({});'),
      entry('package/link', '2', '', 'index.js'),
      entry('package/same', '1', '', 'package/index.js'),
      entry('x', 'x', '30 mtime=1700000000.000000000\n20 path=longer/name\n'),
      entry('after', '0', 'y'.repeat(700)),
      Buffer.alloc(2 * BLOCK),
    ]),
  ],
  one: async (input) => {
    await check(() => readTarball(gzipSync(resigned(input), { level: 1 }), 'it'));
    await check(() => readTarball(Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), input]), 'it'));
  },
};
