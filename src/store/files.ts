import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/** Read at once, so that hashing never holds up the event loop for long. */
const CHUNK_BYTES = 256 * 1024;
/** Kept for later. */
const SPARE_MAX = 8;
const BLOCK_BYTES = 64 * 1024;
const ZEROES = Buffer.alloc(BLOCK_BYTES);
/** Unit of `stat`'s `blocks`. */
export const DISK_BLOCK_BYTES = 512;

/** Makes names that were made, renamed or removed in a folder outlast a power cut. */
export async function syncDir(path: string): Promise<void> {
  const dir = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

/**
 * Writes a file that is at `path` whole or not at all, through one at `temporary`; the caller syncs
 * the folder.
 */
export async function writeWhole(
  temporary: string,
  path: string,
  data: string | Uint8Array | Iterable<string | Uint8Array>,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Opens a regular file that is no link, and that nobody else has put there or can write to. */
export async function openRegular(
  path: string,
): Promise<{ file: FileHandle; bytes: number; diskBytes: number }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = await file.stat();
    if (!status.isFile()) {
      throw Object.assign(new Error(`${path} is no regular file`), { code: 'EINVAL' });
    }
    if (status.uid !== process.geteuid?.() || (status.mode & 0o022) !== 0) {
      throw Object.assign(new Error(`${path} is another user's, or others can write to it`), {
        code: 'EINVAL',
      });
    }
    return { file, bytes: status.size, diskBytes: status.blocks * DISK_BLOCK_BYTES };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The text of a regular file of at most `maxBytes`. */
export async function readText(path: string, maxBytes: number): Promise<string> {
  return (await readBytes(path, maxBytes)).toString('utf8');
}

export async function readBytes(path: string, maxBytes: number): Promise<Buffer> {
  const { file, bytes } = await openRegular(path);
  try {
    if (bytes > maxBytes) {
      throw Object.assign(new Error(`${path} has ${bytes} bytes, ${maxBytes} are allowed`), {
        code: 'EFBIG',
      });
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export interface Measured {
  readonly bytes: number;
  /** What it takes on the disk, holes left out. */
  readonly diskBytes: number;
  readonly checksum: string;
}

/**
 * Chunks between two uses. A new one for each file would have the node's garbage collected every
 * hundred files.
 */
const spare: Buffer[] = [];

/**
 * Checksum of a regular file, in hex: SHA-256 over its blocks of 64 KiB that are not all zero, each
 * after its offset as 64 bits, and at the end its length likewise. Half of a layer is holes, which
 * so cost little.
 */
export async function measureFile(path: string): Promise<Measured> {
  const { file, bytes, diskBytes } = await openRegular(path);
  const chunk = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    const hash = createHash('sha256');
    for (let at = 0; at < bytes; at += chunk.length) {
      const data = chunk.subarray(0, Math.min(chunk.length, bytes - at));
      await fill(file, data, at);
      addBlocks(hash, data, at);
    }
    return { bytes, diskBytes, checksum: hash.update(u64(bytes)).digest('hex') };
  } finally {
    await file.close();
    if (spare.length < SPARE_MAX) {
      spare.push(chunk);
    }
  }
}

/** @throws an error of the file system, also when the file has become shorter */
async function fill(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < chunk.length; ) {
    const { bytesRead } = await file.read(chunk, filled, chunk.length - filled, position + filled);
    if (bytesRead === 0) {
      throw Object.assign(new Error('a file became shorter while it was read'), { code: 'EIO' });
    }
    filled += bytesRead;
  }
}

function addBlocks(hash: Hash, data: Buffer, position: number): void {
  for (let at = 0; at < data.length; at += BLOCK_BYTES) {
    const block = data.subarray(at, at + BLOCK_BYTES);
    if (!block.equals(ZEROES.subarray(0, block.length))) {
      hash.update(u64(position + at)).update(block);
    }
  }
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** `ENOSPC` and the like; empty when the error is none of the system's. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? '';
}

/** Runs `work` on each item, so many at a time. */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
