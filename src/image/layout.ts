import { buildTree, type ImageEntry, listTree, sortedChildren, type TreeNode } from './entries.ts';
import {
  BLOCK_BYTES,
  type Dirent,
  encodeDirentBlock,
  encodeInode,
  encodeSuperblock,
  FileType,
  type FileTypeCode,
  INODE_BYTES,
  MODE_TYPE,
  packDirents,
  SLOT_BYTES,
  SUPER_BYTES,
  SUPER_OFFSET,
} from './erofs-format.ts';

/** Where everything lies: metadata ready to write, and the files whose data is still to be copied. */
interface ImageLayout {
  /** Superblock, inodes, directories, links: the image's first bytes. */
  readonly metadata: Buffer;
  readonly files: readonly TreeNode[];
  readonly blockCount: number;
  readonly inodeCount: number;
}

/** The root's id has 16 bits, and 0 would be an inode number that readdir(3) skips: so it comes first. */
const FIRST_INODE_OFFSET = SUPER_OFFSET + SUPER_BYTES;

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}

function typeOf(node: TreeNode): FileTypeCode {
  switch (node.source.type) {
    case 'directory':
      return FileType.directory;
    case 'symlink':
      return FileType.symlink;
    default:
      return FileType.regular;
  }
}

function modeOf(node: TreeNode): number {
  switch (node.source.type) {
    case 'directory':
      return MODE_TYPE.directory | node.mode;
    case 'symlink':
      return MODE_TYPE.symlink | 0o777;
    default:
      return MODE_TYPE.regular | node.mode;
  }
}

function linksOf(node: TreeNode): number {
  if (node.source.type !== 'directory') {
    return 1;
  }
  let links = 2;
  for (const child of node.children.values()) {
    links += child.source.type === 'directory' ? 1 : 0;
  }
  return links;
}

/** A directory's records in the byte order that lookup by binary search needs. */
function direntsOf(node: TreeNode): Dirent[] {
  const parent = node.parent ?? node;
  const dirents: Dirent[] = sortedChildren(node).map((child) => ({
    name: child.name,
    nid: child.nid,
    type: typeOf(child),
  }));
  dirents.push(
    { name: DOT, nid: node.nid, type: FileType.directory },
    { name: DOT_DOT, nid: parent.nid, type: FileType.directory },
  );
  return dirents.sort((a, b) => Buffer.compare(a.name, b.name));
}

function directoryBytes(node: TreeNode): number {
  const names = direntsOf(node).map((dirent) => dirent.name);
  const counts = packDirents(names);
  const last = names.slice(names.length - (counts.at(-1) ?? 0));
  const lastBytes = last.reduce((sum, name) => sum + name.length + 12, 0);
  return (counts.length - 1) * BLOCK_BYTES + lastBytes;
}

function dataBytes(node: TreeNode): number {
  switch (node.source.type) {
    case 'directory':
      return directoryBytes(node);
    case 'symlink':
      return Buffer.byteLength(node.source.target);
    case 'bytes':
      return node.source.data.length;
    case 'host-file':
      return node.source.bytes;
  }
}

function writeDirectory(metadata: Buffer, node: TreeNode): void {
  const dirents = direntsOf(node);
  const counts = packDirents(dirents.map((dirent) => dirent.name));
  let first = 0;
  for (const [block, count] of counts.entries()) {
    const offset = (node.firstBlock + block) * BLOCK_BYTES;
    encodeDirentBlock(metadata, offset, dirents.slice(first, first + count));
    first += count;
  }
}

function writeMetadata(nodes: readonly TreeNode[], metadata: Buffer, blockCount: number): void {
  let buildTimeS = 0;
  for (const [index, node] of nodes.entries()) {
    encodeInode(metadata, node.nid * SLOT_BYTES, {
      mode: modeOf(node),
      bytes: node.dataBytes,
      firstBlock: node.firstBlock,
      number: index + 1,
      links: linksOf(node),
      mtimeMs: node.mtimeMs,
    });
    if (node.source.type === 'directory') {
      writeDirectory(metadata, node);
    } else if (node.source.type === 'symlink') {
      metadata.write(node.source.target, node.firstBlock * BLOCK_BYTES);
    }
    buildTimeS = Math.max(buildTimeS, Math.floor(node.mtimeMs / 1000));
  }
  const rootNid = FIRST_INODE_OFFSET / SLOT_BYTES;
  encodeSuperblock(metadata, SUPER_OFFSET, {
    rootNid,
    inodeCount: nodes.length,
    blockCount,
    buildTimeS,
  });
}

/** An inode must not cross a block. Slots start 128 bytes past a multiple of 64, so none does. */
function placeInodes(nodes: readonly TreeNode[]): number {
  let offset = FIRST_INODE_OFFSET;
  for (const node of nodes) {
    node.nid = offset / SLOT_BYTES;
    offset += INODE_BYTES;
  }
  return blocksOf(offset);
}

/** Gives the nodes their blocks from `block` on; returns the block behind the last one. */
function placeData(nodes: readonly TreeNode[], block: number): number {
  let next = block;
  for (const node of nodes) {
    node.dataBytes = dataBytes(node);
    if (node.dataBytes === 0) {
      continue;
    }
    const alignBlocks = node.alignBytes / BLOCK_BYTES;
    node.firstBlock = Math.ceil(next / alignBlocks) * alignBlocks;
    next = node.firstBlock + blocksOf(node.dataBytes);
  }
  return next;
}

/** Plans an image: metadata first, so that what every UC reads lies together, then the files' data. */
export function planImage(entries: Iterable<ImageEntry>): ImageLayout {
  const nodes = listTree(buildTree(entries));
  const isFile = (node: TreeNode): boolean => typeOf(node) === FileType.regular;
  const files = nodes.filter(isFile);
  const inodeEnd = placeInodes(nodes);
  const metadataEnd = placeData(
    nodes.filter((node) => !isFile(node)),
    inodeEnd,
  );
  const blockCount = placeData(files, metadataEnd);
  const metadata = Buffer.alloc(metadataEnd * BLOCK_BYTES);
  writeMetadata(nodes, metadata, blockCount);
  return { metadata, files, blockCount, inodeCount: nodes.length };
}
