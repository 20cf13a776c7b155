import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import type { CodeTree } from './code-tree.ts';
import { CODE_LIMITS } from './limits.ts';

const LEFT_OUT = new Set(['.git', '.hg', '.svn', '__pycache__']);

/** Adds what lies in `dir` below `at` (a path in the tree, or '' for its root). */
export async function addFolder(tree: CodeTree, dir: string, at: string): Promise<void> {
  const listing = await readdir(dir, { withFileTypes: true });
  listing.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const item of listing) {
    if (!LEFT_OUT.has(item.name))
      await addItem(tree, item, dir, at === '' ? item.name : `${at}/${item.name}`);
  }
}

async function addItem(tree: CodeTree, item: Dirent, dir: string, path: string): Promise<void> {
  const hostPath = join(dir, item.name);
  if (item.isDirectory()) {
    tree.addDirectory(path);
    await addFolder(tree, hostPath, path);
  } else if (item.isFile()) {
    const { size, mode } = await lstat(hostPath);
    if (size > CODE_LIMITS.unpackedBytes - tree.unpackedBytes) throw tree.tooLarge();
    tree.addFile(path, await readFile(hostPath), (mode & 0o111) !== 0);
  } else if (item.isSymbolicLink()) {
    tree.addSymlink(path, await readlink(hostPath));
  } else {
    throw new PlatformError('unsafe_path', `${hostPath} is neither a file, a folder nor a link.`, {
      remedy: 'Remove it from the folder of the action.',
    });
  }
}
