import { basename, extname } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import type { CodeTree } from './code-tree.ts';

const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.js': 'nodejs:default',
  '.cjs': 'nodejs:default',
  '.mjs': 'nodejs:default',
  '.ts': 'nodejs:default',
  '.mts': 'nodejs:default',
  '.cts': 'nodejs:default',
  '.py': 'python:default',
};

const NODEJS_ROOTS = ['package.json', 'index.js', 'index.mjs', 'index.cjs'];
const PYTHON_ROOTS = ['__main__.py'];

/** Kind of a single source file, by its extension. */
export function kindOfFile(path: string): string {
  const kind = BY_EXTENSION[extname(path).toLowerCase()];
  if (kind === undefined) {
    throw new PlatformError(
      'unknown_code',
      `${basename(path)} has none of the endings ${Object.keys(BY_EXTENSION).join(' ')}.`,
      {
        remedy: 'Name the kind with --kind, or give a folder, a .zip or a .tar.gz.',
      },
    );
  }
  return kind;
}

/** Kind of a folder or archive, by the file that a driver would start with. */
export function kindOfTree(tree: CodeTree, origin: string): string {
  const nodejs = NODEJS_ROOTS.find((path) => tree.has(path));
  const python = PYTHON_ROOTS.find((path) => tree.has(path));
  if (nodejs !== undefined && python !== undefined) {
    throw new PlatformError('unknown_code', `${origin} has both ${nodejs} and ${python}.`, {
      remedy: 'Name the kind with --kind.',
    });
  }
  if (nodejs !== undefined) return 'nodejs:default';
  if (python !== undefined) return 'python:default';
  throw new PlatformError(
    'no_entry_point',
    `${origin} has none of ${[...NODEJS_ROOTS, ...PYTHON_ROOTS].join(', ')} at its root.`,
    {
      remedy: 'Put the entry point at the root of the folder or archive, not in a folder inside it.',
    },
  );
}

/** The root file that a driver of this family needs; checked here so that the error comes early. */
export function checkRoot(tree: CodeTree, kind: string, origin: string): void {
  const roots = kind.startsWith('python:') ? PYTHON_ROOTS : NODEJS_ROOTS;
  if (!roots.some((path) => tree.has(path))) {
    throw new PlatformError(
      'no_entry_point',
      `${origin} has no ${roots.join(' or ')} at its root, which ${kind} needs.`,
      {
        remedy: 'Put the entry point at the root of the folder or archive, not in a folder inside it.',
      },
    );
  }
}

/** File name that a source without one gets: what the interpreter shows in its traces. */
export function defaultFilename(kind: string): string {
  return kind.startsWith('python:') ? '__main__.py' : 'index.js';
}
