import { PlatformError } from '../contract/errors.ts';

/** Where an entry's bytes come from. */
type EntrySource =
  | { readonly type: 'directory' }
  | { readonly type: 'host-file'; readonly hostPath: string; readonly bytes: number }
  | { readonly type: 'bytes'; readonly data: Uint8Array }
  | { readonly type: 'symlink'; readonly target: string };

/** One file, directory or symbolic link of an image. Missing parents are made with mode 0755. */
export interface ImageEntry {
  /** Absolute in the image: `/usr/bin/node`. */
  readonly path: string;
  /** Permission bits only. */
  readonly mode: number;
  readonly mtimeMs?: number;
  readonly source: EntrySource;
  /** Start of the file's data in the image is a multiple of this (a power of two ≥ 4096). */
  readonly alignBytes?: number;
}

/** An inode of the tree, before and after its place in the image is known. */
export interface TreeNode {
  readonly name: Buffer;
  mode: number;
  mtimeMs: number;
  source: EntrySource;
  alignBytes: number;
  /** Present exactly in directories; sorted by name once the tree is complete. */
  readonly children: Map<string, TreeNode>;
  readonly parent: TreeNode | undefined;
  nid: number;
  firstBlock: number;
  dataBytes: number;
}

const NAME_MAX_BYTES = 255;
const TARGET_MAX_BYTES = 4095;

function invalid(path: string, why: string): PlatformError {
  return new PlatformError('invalid_image_entry', `image entry ${JSON.stringify(path)}: ${why}`);
}

function makeNode(name: string, parent: TreeNode | undefined): TreeNode {
  return {
    name: Buffer.from(name),
    mode: 0o755,
    mtimeMs: 0,
    source: { type: 'directory' },
    alignBytes: 4096,
    children: new Map(),
    parent,
    nid: 0,
    firstBlock: 0,
    dataBytes: 0,
  };
}

function splitPath(path: string): string[] {
  if (!path.startsWith('/')) {
    throw invalid(path, 'the path is not absolute');
  }
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..' || part.includes('\0')) {
      throw invalid(path, 'the path holds ".." or a NUL');
    }
    if (Buffer.byteLength(part) > NAME_MAX_BYTES) {
      throw invalid(path, `a name is longer than ${NAME_MAX_BYTES} bytes`);
    }
  }
  return parts;
}

function checkSource(entry: ImageEntry): void {
  if (entry.source.type === 'symlink') {
    const bytes = Buffer.byteLength(entry.source.target);
    if (bytes === 0 || bytes > TARGET_MAX_BYTES || entry.source.target.includes('\0')) {
      throw invalid(entry.path, 'the link target is empty, too long or holds a NUL');
    }
  }
  const align = entry.alignBytes ?? 4096;
  if (align < 4096 || (align & (align - 1)) !== 0) {
    throw invalid(entry.path, 'alignBytes is no power of two of at least 4096');
  }
}

/**
 * Makes the tree out of a list in any order. A directory may be named twice (the last
 * word counts); any other duplicate, or a file used as a directory, is refused.
 */
export function buildTree(entries: Iterable<ImageEntry>): TreeNode {
  const root = makeNode('', undefined);
  for (const entry of entries) {
    checkSource(entry);
    const parts = splitPath(entry.path);
    let node = root;
    let created = false;
    for (const part of parts) {
      if (node.source.type !== 'directory') {
        throw invalid(entry.path, 'a parent is no directory');
      }
      const next = node.children.get(part);
      created = next === undefined;
      const child = next ?? makeNode(part, node);
      if (created) {
        node.children.set(part, child);
      }
      node = child;
    }
    if (!created && (entry.source.type !== 'directory' || node.source.type !== 'directory')) {
      throw invalid(entry.path, 'the path is there twice');
    }
    node.mode = entry.mode & 0o7777;
    node.mtimeMs = entry.mtimeMs ?? 0;
    node.source = entry.source;
    node.alignBytes = entry.alignBytes ?? 4096;
  }
  return root;
}

/** Every node, parents before children, each directory's children in byte order of their names. */
export function listTree(root: TreeNode): TreeNode[] {
  const nodes: TreeNode[] = [root];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as TreeNode;
    nodes.push(...sortedChildren(node));
  }
  return nodes;
}

export function sortedChildren(node: TreeNode): TreeNode[] {
  return [...node.children.values()].sort((a, b) => Buffer.compare(a.name, b.name));
}
