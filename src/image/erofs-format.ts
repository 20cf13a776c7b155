/**
 * The on-disk structures of EROFS (Linux, Documentation/filesystems/erofs.rst): little
 * endian, 4 KiB blocks, extended inodes, data layout FLAT_PLAIN only.
 */

export const BLOCK_BYTES = 4096;
export const SUPER_OFFSET = 1024;
export const SUPER_BYTES = 128;
export const INODE_BYTES = 64;
/** Node ids count slots of this size from the start of the metadata area (here: of the image). */
export const SLOT_BYTES = 32;
const DIRENT_BYTES = 12;

const SUPER_MAGIC = 0xe0f5e1e2;
const FEATURE_COMPAT_MTIME = 0x2;
const BLOCK_BITS = 12;
/** i_format: extended version in bit 0, FLAT_PLAIN (0) in bits 1 to 3. */
const FORMAT_EXTENDED_PLAIN = 1;

export const FileType = { regular: 1, directory: 2, symlink: 7 } as const;
export type FileTypeCode = (typeof FileType)[keyof typeof FileType];

export const MODE_TYPE = { regular: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

export interface Superblock {
  readonly rootNid: number;
  readonly inodeCount: number;
  readonly blockCount: number;
  readonly buildTimeS: number;
}

export function encodeSuperblock(target: Buffer, offset: number, value: Superblock): void {
  target.writeUInt32LE(SUPER_MAGIC, offset);
  target.writeUInt32LE(FEATURE_COMPAT_MTIME, offset + 8);
  target.writeUInt8(BLOCK_BITS, offset + 12);
  target.writeUInt16LE(value.rootNid, offset + 14);
  target.writeBigUInt64LE(BigInt(value.inodeCount), offset + 16);
  target.writeBigUInt64LE(BigInt(value.buildTimeS), offset + 24);
  target.writeUInt32LE(value.blockCount, offset + 36);
}

interface Inode {
  /** Type and permission bits, as st_mode. */
  readonly mode: number;
  readonly bytes: number;
  readonly firstBlock: number;
  readonly number: number;
  readonly links: number;
  readonly mtimeMs: number;
}

export function encodeInode(target: Buffer, offset: number, value: Inode): void {
  const mtimeS = Math.floor(value.mtimeMs / 1000);
  target.writeUInt16LE(FORMAT_EXTENDED_PLAIN, offset);
  target.writeUInt16LE(value.mode, offset + 4);
  target.writeBigUInt64LE(BigInt(value.bytes), offset + 8);
  target.writeUInt32LE(value.firstBlock, offset + 16);
  target.writeUInt32LE(value.number, offset + 20);
  target.writeBigInt64LE(BigInt(mtimeS), offset + 32);
  target.writeUInt32LE(Math.floor((value.mtimeMs - mtimeS * 1000) * 1e6), offset + 40);
  target.writeUInt32LE(value.links, offset + 44);
}

export interface Dirent {
  readonly name: Buffer;
  readonly nid: number;
  readonly type: FileTypeCode;
}

/** Splits a sorted list into what fits each directory block. */
export function packDirents(names: readonly Buffer[]): number[] {
  const counts: number[] = [];
  let used = BLOCK_BYTES;
  for (const name of names) {
    const need = DIRENT_BYTES + name.length;
    if (used + need > BLOCK_BYTES) {
      counts.push(0);
      used = 0;
    }
    counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1;
    used += need;
  }
  return counts;
}

/** Encodes one directory block: the records, then the names they point to. Returns the bytes used. */
export function encodeDirentBlock(target: Buffer, offset: number, dirents: readonly Dirent[]): number {
  let nameOffset = dirents.length * DIRENT_BYTES;
  for (const [index, dirent] of dirents.entries()) {
    const at = offset + index * DIRENT_BYTES;
    target.writeBigUInt64LE(BigInt(dirent.nid), at);
    target.writeUInt16LE(nameOffset, at + 8);
    target.writeUInt8(dirent.type, at + 10);
    dirent.name.copy(target, offset + nameOffset);
    nameOffset += dirent.name.length;
  }
  return nameOffset;
}
