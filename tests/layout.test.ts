/** The tree keeps to what `layers.json` says of it: who may know whom, how long files are, and how wide. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { packageDir } from '../src/contract/paths.ts';

const layers = z
  .strictObject({
    /** Of each tree its folders, the lowest floor first. A file knows its own folder and lower floors. */
    floors: z.record(z.string(), z.array(z.array(z.string()))),
    /** What lies beside the folders of a tree, above all floors. */
    roots: z.record(z.string(), z.array(z.string())),
    /** Files that lower floors may know as well. */
    knownToAll: z.array(z.string()).max(1),
    /** Files that know each other in a circle, with the reason. */
    circles: z.array(z.strictObject({ why: z.string().min(20), files: z.array(z.string()).max(20) })).max(3),
    linesMax: z.int(),
    /** Files that are longer still. The list may only shrink. */
    tooLong: z.array(z.string()),
    columnsMax: z.int(),
    /** Files with programs or patterns as text, whose lines are wider still. The list may only shrink. */
    tooWide: z.array(z.string()),
  })
  .parse(JSON.parse(readFileSync(join(packageDir, 'layers.json'), 'utf8')));

const CODE_FOLDERS = ['src', 'tests', 'scripts', 'drivers', 'libos', 'tender', 'abi'];
const CODE = /\.(?:ts|mjs|cjs|py|c|h|S)$/;
const WIDE_FOLDERS = [...CODE_FOLDERS, 'examples'];
const WIDE = /\.(?:ts|js|mjs|cjs|py|sh|mk)$|(?:^|\/)Makefile$/;
/** A text without a space to break it at. */
const SOLID_TEXT = /(['"`])(?:\\.|(?!\1)\S){20,}\1/g;
const SOURCE = /\.(?:ts|c|h)$/;
const INCLUDE = /^#include "([^"]+)"/gm;
const IMPORT = /(?:\bfrom |\bimport\(|^import )'(\.[^']+)'/gm;

function filesBelow(folder: string, name: RegExp): string[] {
  return readdirSync(join(packageDir, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path) && !/(?:^|\/)(?:build|node_modules)\//.test(path))
    .map((path) => join(folder, path));
}

/** How wide its widest line is without solid texts, a tab being eight columns. */
function widthOf(text: string): number {
  const lines = text.split('\n').map((line) => line.replaceAll('\t', ' '.repeat(8)));
  return Math.max(...lines.map((line) => line.replace(SOLID_TEXT, '').length));
}

function read(path: string): string {
  return readFileSync(join(packageDir, path), 'utf8');
}

/**
 * The files of ours that a file imports. An include that is meant here names them from the root of
 * their tree.
 */
function importsOf(tree: string, path: string): string[] {
  if (path.endsWith('.ts'))
    return Array.from(read(path).matchAll(IMPORT), ([, target]) => join(dirname(path), target as string));
  return Array.from(read(path).matchAll(INCLUDE), ([, target]) => join(tree, target as string)).filter(
    (target) => existsSync(join(packageDir, target)),
  );
}

function importsIn(tree: string): Map<string, string[]> {
  return new Map(filesBelow(tree, SOURCE).map((path) => [path, importsOf(tree, path)]));
}

/** Of a path the folder below the tree that it is in; of files in the tree itself `.`. */
function folderOf(tree: string, path: string): string {
  const inside = path.slice(tree.length + 1).split('/');
  return inside.length > 1 ? (inside[0] as string) : '.';
}

/** Groups of files that reach each other (Tarjan's strongly connected components). */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
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
    low.set(path, lowest);
    if (lowest === index.get(path)) {
      const members = stack.splice(stack.indexOf(path));
      if (members.length > 1) found.push(members.sort());
    }
    return lowest;
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return found;
}

describe('the layout', () => {
  for (const [tree, floors] of Object.entries(layers.floors)) {
    const floorOf = new Map(floors.flatMap((folders, floor) => folders.map((folder) => [folder, floor])));

    it(`of ${tree} has a floor for each folder`, () => {
      const folders = new Set(filesBelow(tree, SOURCE).map((path) => folderOf(tree, path)));
      assert.deepEqual([...folders].sort(), [...floorOf.keys()].sort());
    });

    it(`of ${tree} has nothing beside the folders but what is known`, () => {
      const beside = filesBelow(tree, SOURCE).filter((path) => folderOf(tree, path) === '.');
      assert.deepEqual(beside.sort(), (layers.roots[tree] ?? []).toSorted());
    });

    it(`of ${tree} lets a file know its own folder and lower floors`, () => {
      const upwards: string[] = [];
      for (const [path, targets] of importsIn(tree)) {
        const own = folderOf(tree, path);
        for (const target of targets.filter((each) => each.startsWith(`${tree}/`))) {
          if (layers.knownToAll.includes(target)) continue;
          const other = folderOf(tree, target);
          const isBelow = (floorOf.get(other) as number) < (floorOf.get(own) as number);
          if (other !== own && !isBelow) upwards.push(`${path} imports ${target}`);
        }
      }
      assert.deepEqual(upwards, []);
    });
  }

  it('has no circles but those that are known', () => {
    const known = layers.circles.map(({ files }) => files.toSorted());
    assert.deepEqual(circlesIn(importsIn('src')).sort(), known.sort());
  });

  it('has no long file but those that are known', () => {
    const long = CODE_FOLDERS.flatMap((folder) => filesBelow(folder, CODE)).filter(
      (path) => read(path).split('\n').length - 1 > layers.linesMax,
    );
    assert.deepEqual(long.sort(), layers.tooLong.toSorted());
  });

  it('has no wide line but in files that are known', () => {
    const wide = WIDE_FOLDERS.flatMap((folder) => filesBelow(folder, WIDE)).filter(
      (path) => !path.endsWith('.gen.ts') && widthOf(read(path)) > layers.columnsMax,
    );
    assert.deepEqual(wide.sort(), layers.tooWide.toSorted());
  });
});
