import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { PlatformError } from '../contract/errors.ts';
import { writeFault } from '../files/write-fault.ts';
import type { ImageEntry, TreeNode } from './entries.ts';
import { BLOCK_BYTES } from './erofs-format.ts';
import { planImage } from './layout.ts';

interface WrittenImage {
  readonly path: string;
  readonly bytes: number;
  readonly inodeCount: number;
}

const COPY_CHUNK_BYTES = 4 * 1024 * 1024;

async function writeAll(target: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await target.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

/** Copies exactly the planned number of bytes; a file that shrank meanwhile is an error, growth is cut. */
async function copyHostFile(
  target: FileHandle,
  hostPath: string,
  bytes: number,
  position: number,
  chunk: Buffer,
): Promise<void> {
  const source = await open(hostPath, 'r');
  try {
    let done = 0;
    while (done < bytes) {
      const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, bytes - done), done);
      if (bytesRead === 0) {
        throw new PlatformError(
          'image_source_changed',
          `${hostPath} shrank while it was copied into an image`,
        );
      }
      await writeAll(target, chunk.subarray(0, bytesRead), position + done);
      done += bytesRead;
    }
  } finally {
    await source.close();
  }
}

async function writeFileData(target: FileHandle, node: TreeNode, chunk: Buffer): Promise<void> {
  const position = node.firstBlock * BLOCK_BYTES;
  switch (node.source.type) {
    case 'bytes':
      return await writeAll(target, node.source.data, position);
    case 'host-file':
      return await copyHostFile(target, node.source.hostPath, node.dataBytes, position, chunk);
    default:
      return;
  }
}

export interface WriteOptions {
  /** Where it is written before it has its name. */
  readonly temporary?: string | undefined;
  /** False for one that goes with the process: it may be half there after a power cut. */
  readonly durable?: boolean | undefined;
}

/**
 * Writes an EROFS image: uncompressed, every file's data at a page boundary, so that a
 * mapping of a file in any UC shares the host's page cache. The image appears at `path`
 * whole or not at all. A file that never changes under a name is what tenders rely on.
 * @throws PlatformError `disk_full`, `cannot_write`, `image_source_changed`
 */
export async function writeImage(
  path: string,
  entries: Iterable<ImageEntry>,
  { temporary = `${path}.${randomUUID()}.tmp`, durable = true }: WriteOptions = {},
): Promise<WrittenImage> {
  const layout = planImage(entries);
  const bytes = layout.blockCount * BLOCK_BYTES;
  const target = await open(temporary, 'wx', 0o444).catch((error: unknown) => {
    throw writeFault(temporary, error);
  });
  try {
    const chunk = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
    await target.truncate(bytes);
    await writeAll(target, layout.metadata, 0);
    for (const node of layout.files) {
      await writeFileData(target, node, chunk);
    }
    if (durable) await target.sync();
    await target.close();
    await rename(temporary, path);
  } catch (error) {
    await target.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw writeFault(path, error);
  }
  return { path, bytes, inodeCount: layout.inodeCount };
}
