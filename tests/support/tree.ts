/** The files of the tree as text: what they import, and who reaches whom. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageDir } from '../../src/contract/paths.ts';

export const SOURCE = /\.(?:ts|c|h|S)$/;
const INCLUDE = /^#include "([^"]+)"/gm;
const IMPORT = /(?:\bfrom |\bimport\(|^import )'(\.[^']+)'/gm;

export type Imports = ReadonlyMap<string, readonly string[]>;

export function read(path: string): string {
  return readFileSync(join(packageDir, path), 'utf8');
}

export function filesBelow(folder: string, name: RegExp): string[] {
  return readdirSync(join(packageDir, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path) && !/(?:^|\/)(?:build|node_modules)\//.test(path))
    .map((path) => join(folder, path));
}

/** Of a path the folder below the tree that it is in; of files in the tree itself `.`. */
export function folderOf(tree: string, path: string): string {
  const inside = path.slice(tree.length + 1).split('/');
  return inside.length > 1 ? (inside[0] as string) : '.';
}

/** As the compilers search: beside the file, from the root of its tree, from that of the repository. */
function included(path: string, target: string): string | undefined {
  const tree = path.split('/')[0] as string;
  return [join(dirname(path), target), join(tree, target), target].find((each) =>
    existsSync(join(packageDir, each)),
  );
}

function targetsOf(path: string): [name: string, target: string | undefined][] {
  if (path.endsWith('.ts'))
    return Array.from(read(path).matchAll(IMPORT), ([, name]) => {
      const target = join(dirname(path), name as string);
      return [name as string, existsSync(join(packageDir, target)) ? target : undefined];
    });
  return Array.from(read(path).matchAll(INCLUDE), ([, name]) => [
    name as string,
    included(path, name as string),
  ]);
}

/** The files of ours that a file imports. What the build makes is none. */
function importsOf(path: string): string[] {
  return targetsOf(path)
    .map(([, target]) => target)
    .filter((target) => target !== undefined);
}

/** What a file imports and is not there, as it stands in the file. */
export function missingIn(path: string): string[] {
  return targetsOf(path).flatMap(([name, target]) => (target === undefined ? [name] : []));
}

export function importsIn(tree: string): Imports {
  return new Map(filesBelow(tree, SOURCE).map((path) => [path, importsOf(path)]));
}

/** A C file and the header of its name are one: who includes the header calls the file. */
export function moduleOf(path: string): string {
  return path.replace(/\.[chS]$/, '');
}

/** Who imports whom, of modules or whatever else `of` makes of a path. */
export function grouped(imports: Imports, of: (path: string) => string): Imports {
  const groups = new Map<string, string[]>();
  for (const [path, targets] of imports) {
    const known = groups.get(of(path)) ?? [];
    groups.set(of(path), [...known, ...targets.map(of).filter((target) => target !== of(path))]);
  }
  return groups;
}

/** Groups of files that reach each other (Tarjan's strongly connected components). */
export function circlesIn(imports: Imports): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const stack: string[] = [];
  const visit = (path: string): number => {
    index.set(path, index.size);
    let lowest = index.get(path) as number;
    stack.push(path);
    for (const next of imports.get(path) ?? []) {
      if (!imports.has(next)) continue;
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next) as number);
    }
    if (lowest === index.get(path)) {
      const members = stack.splice(stack.indexOf(path));
      if (members.length > 1) found.push(members.sort());
    }
    return lowest;
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return found;
}
