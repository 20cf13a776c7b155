import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import { addFolder } from './add-folder.ts';
import type { CodeTree } from './code-tree.ts';

interface Manifest {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** A package's place on the host and in the tree. */
interface Placed {
  readonly hostDir: string;
  /** `` for the action itself, else `node_modules/a` or `node_modules/a/node_modules/b`. */
  readonly treePath: string;
}

/**
 * npm workspaces install a package's dependencies in a node_modules above it. Such a
 * folder alone would not run, so the packages that it depends on, and theirs, are found
 * as Node.js would find them and added to the tree's own node_modules.
 */
export async function addHoistedPackages(tree: CodeTree, dir: string): Promise<void> {
  const hostDir = await realpath(dir);
  const placed = new Map<string, string>();
  const pending: Placed[] = [{ hostDir, treePath: '' }];
  for (let parent = pending.shift(); parent !== undefined; parent = pending.shift()) {
    const { required, optional } = await readManifest(parent.hostDir);
    for (const name of [...required, ...optional]) {
      const found = await findPackage(name, parent.hostDir);
      if (found === undefined) {
        if (optional.includes(name)) continue;
        throw new PlatformError(
          'missing_package',
          `${dir} depends on the package "${name}", which is not installed.`,
          {
            remedy: `Run "npm install" in ${dir}.`,
          },
        );
      }
      const child = await place(tree, placed, parent, name, found, hostDir);
      if (child !== undefined) pending.push(child);
    }
  }
}

/** Adds one package unless a require() from the parent's place finds it already. */
async function place(
  tree: CodeTree,
  placed: Map<string, string>,
  parent: Placed,
  name: string,
  found: string,
  actionDir: string,
): Promise<Placed | undefined> {
  if (found.startsWith(`${actionDir}/node_modules/`)) return undefined;
  for (const path of lookupPaths(parent.treePath, name)) {
    if (placed.get(path) === found) return undefined;
    if (placed.has(path) || tree.has(path)) break;
  }
  const top = `node_modules/${name}`;
  const nested = parent.treePath === '' ? top : `${parent.treePath}/node_modules/${name}`;
  const treePath = placed.has(top) || tree.has(top) ? nested : top;
  if (tree.has(treePath)) return undefined;
  placed.set(treePath, found);
  await addFolder(tree, found, treePath);
  return { hostDir: found, treePath };
}

function* lookupPaths(from: string, name: string): Generator<string> {
  for (let at = from; at !== ''; ) {
    yield `${at}/node_modules/${name}`;
    const up = at.lastIndexOf('/node_modules/');
    at = up < 0 ? '' : at.slice(0, up);
  }
  yield `node_modules/${name}`;
}

/** Node.js's own search: node_modules of the folder and of each one above it. */
async function findPackage(name: string, from: string): Promise<string | undefined> {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', name);
    const status = await stat(candidate).catch(() => undefined);
    if (status?.isDirectory()) return await realpath(candidate);
    if (dir === dirname(dir)) return undefined;
  }
}

async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, 'package.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { required: [], optional: [] };
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw new PlatformError('bad_manifest', `${path} is not valid JSON.`, { cause });
  }
  const names = (key: string) => packageNames((manifest as Record<string, unknown> | null)?.[key]);
  return {
    required: names('dependencies'),
    optional: [...names('optionalDependencies'), ...names('peerDependencies')],
  };
}

/** Keys of a dependency table that are package names, so that none can lead elsewhere. */
function packageNames(table: unknown): string[] {
  if (typeof table !== 'object' || table === null) return [];
  return Object.keys(table).filter((name) => /^(@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name));
}
