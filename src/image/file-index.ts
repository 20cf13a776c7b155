import { readSync } from 'node:fs';
import { BLOCK_BYTES, FileType, INODE_BYTES, SLOT_BYTES, SUPER_OFFSET } from './erofs-format.ts';
import { lastAtOrBelow } from './halving.ts';

/** Where a file's data lies in an image. */
interface FileExtent {
  /** Absolute, in the image. */
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

const DIRENT_BYTES = 12;

interface Inode {
  readonly bytes: number;
  readonly offset: number;
}

/** The regular files of an image that `writeImage` made, by where their data lies. */
export class FileIndex {
  readonly #extents: FileExtent[] = [];
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param fd descriptor of the image, which is read here and not later */
  static read(fd: number): FileIndex {
    const index = new FileIndex(fd);
    index.#walk(index.#read(SUPER_OFFSET, 16).readUInt16LE(14), '');
    index.#extents.sort((a, b) => a.offset - b.offset);
    return index;
  }

  /** The file with that byte of the image, or with the rest of its last block. */
  at(offset: number): FileExtent | undefined {
    const extent = this.#extents[lastAtOrBelow(this.#extents, (each) => each.offset, offset)];
    const blocks = extent === undefined ? 0 : Math.ceil(extent.bytes / BLOCK_BYTES);
    return extent !== undefined && offset < extent.offset + blocks * BLOCK_BYTES ? extent : undefined;
  }

  #read(offset: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    const got = readSync(this.#fd, buffer, 0, bytes, offset);
    if (got < bytes) {
      throw new RangeError(`an image ends at ${offset + got}, in the middle of its metadata`);
    }
    return buffer;
  }

  #inode(nid: number): Inode {
    const inode = this.#read(nid * SLOT_BYTES, INODE_BYTES);
    return { bytes: Number(inode.readBigUInt64LE(8)), offset: inode.readUInt32LE(16) * BLOCK_BYTES };
  }

  #walk(nid: number, path: string): void {
    const { bytes, offset } = this.#inode(nid);
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      this.#walkBlock(this.#read(offset + at, Math.min(bytes - at, BLOCK_BYTES)), path);
    }
  }

  #walkBlock(block: Buffer, path: string): void {
    const count = block.readUInt16LE(8) / DIRENT_BYTES;
    for (let i = 0; i < count; i++) {
      const at = i * DIRENT_BYTES;
      const end = i + 1 < count ? block.readUInt16LE(at + DIRENT_BYTES + 8) : block.length;
      const name = block.toString('utf8', block.readUInt16LE(at + 8), end);
      const nid = Number(block.readBigUInt64LE(at));
      const type = block.readUInt8(at + 10);
      if (type === FileType.directory && name !== '.' && name !== '..') {
        this.#walk(nid, `${path}/${name}`);
      } else if (type === FileType.regular) {
        this.#extents.push({ path: `${path}/${name}`, ...this.#inode(nid) });
      }
    }
  }
}
