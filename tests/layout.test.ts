/** The tree keeps to what `layers.json` says of it: who may know whom, how long files are, and how wide. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { functionsOf } from './support/c-functions.ts';
import {
  circlesIn,
  filesBelow,
  folderOf,
  grouped,
  type Imports,
  importsIn,
  missingIn,
  moduleOf,
  read,
  SOURCE,
} from './support/tree.ts';

const reason = z.string().min(20);
const layers = z
  .strictObject({
    /** Of each tree its folders, the lowest floor first. A file knows its own folder and lower floors. */
    floors: z.record(z.string(), z.array(z.array(z.string()))),
    /** Folders of one floor that cannot do without each other, and so may know each other. */
    cores: z.array(z.strictObject({ why: reason, tree: z.string(), folders: z.array(z.string()) })).max(1),
    /** What lies beside the folders of a tree, above all floors. */
    roots: z.record(z.string(), z.array(z.string())),
    /** Files that lower floors may know as well. */
    knownToAll: z.array(z.string()).max(2),
    /** The trees in C, and which others each knows. */
    trees: z.record(z.string(), z.array(z.string())),
    /** Of a tree, the folders whose files alone may include it. */
    knownBy: z.record(z.string(), z.array(z.string())),
    /** What the build makes and files include, as `FILE: NAME`. */
    made: z.array(z.string()).max(1),
    /** The one header whose functions rooms above define. */
    upcalls: z.string(),
    /** Files that reach each other in a circle, with the reason; a C file and its header are one. */
    circles: z.array(z.strictObject({ why: reason, files: z.array(z.string()).max(20) })).max(3),
    linesMax: z.int(),
    columnsMax: z.int(),
  })
  .parse(JSON.parse(read('layers.json')));

const CODE_FOLDERS = ['src', 'tests', 'scripts', 'drivers', 'libos', 'tender', 'abi'];
const CODE = /\.(?:ts|mjs|cjs|py|c|h|S)$/;
const WIDE_FOLDERS = [...CODE_FOLDERS, 'examples'];
const WIDE = /\.(?:ts|js|mjs|cjs|py|sh|mk|c|h|S)$|(?:^|\/)Makefile$/;
/** A text without a space to break it at. */
const SOLID_TEXT = /(['"`])(?:\\.|(?!\1)\S){20,}\1/g;
const STALE = 'layers.json must list these and no others: what is mended leaves the list, for good';

/** How wide its widest line is without solid texts, a tab being eight columns. */
function widthOf(text: string): number {
  const lines = text.split('\n').map((line) => line.replaceAll('\t', ' '.repeat(8)));
  return Math.max(...lines.map((line) => line.replace(SOLID_TEXT, '').length));
}

/** Imports within a tree, without those of files that all may know. */
function importsInside(tree: string): Imports {
  return new Map(
    Array.from(importsIn(tree), ([path, targets]) => [
      path,
      targets.filter((each) => each.startsWith(`${tree}/`) && !layers.knownToAll.includes(each)),
    ]),
  );
}

function coreOf(tree: string): readonly string[] {
  return layers.cores.find((core) => core.tree === tree)?.folders ?? [];
}

function treeOf(path: string): string {
  return path.split('/')[0] as string;
}

describe('the layout', () => {
  for (const [tree, floors] of Object.entries(layers.floors)) {
    const floorOf = new Map(floors.flatMap((folders, floor) => folders.map((folder) => [folder, floor])));
    const isAllowed = (own: string, other: string) =>
      own === other ||
      (floorOf.get(other) as number) < (floorOf.get(own) as number) ||
      (coreOf(tree).includes(own) && coreOf(tree).includes(other));

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
      for (const [path, targets] of importsInside(tree)) {
        for (const target of targets)
          if (!isAllowed(folderOf(tree, path), folderOf(tree, target)))
            upwards.push(`${path} imports ${target}`);
      }
      assert.deepEqual(upwards, []);
    });
  }

  it('has each file where others import it', () => {
    const missing = ['src', 'tender', 'libos', 'abi'].flatMap((tree) =>
      filesBelow(tree, SOURCE).flatMap((path) => missingIn(path).map((name) => `${path}: ${name}`)),
    );
    assert.deepEqual(missing.sort(), layers.made.toSorted(), STALE);
  });

  for (const { tree, folders } of layers.cores) {
    it(`of ${tree} has a core, each of whose folders needs all others`, () => {
      const circles = circlesIn(grouped(importsInside(tree), (path) => folderOf(tree, path)));
      assert.deepEqual(circles, [folders.toSorted()], STALE);
    });
  }

  it('has no file known to all but those that lower floors need', () => {
    const needless = layers.knownToAll.filter((known) => {
      const tree = treeOf(known);
      const floors = layers.floors[tree] ?? [];
      const floorOf = (path: string) => floors.findIndex((folders) => folders.includes(folderOf(tree, path)));
      const users = [...importsIn(tree)].filter(([, targets]) => targets.includes(known));
      return !users.some(([path]) => floorOf(path) < floorOf(known));
    });
    assert.deepEqual(needless, [], STALE);
  });

  for (const [tree, others] of Object.entries(layers.trees)) {
    it(`of ${tree} includes nothing of ours but ${['its own', ...others].join(' and ')}`, () => {
      const foreign = [...importsIn(tree)].flatMap(([path, targets]) =>
        targets.filter((each) => ![tree, ...others].includes(treeOf(each))).map((each) => `${path}: ${each}`),
      );
      assert.deepEqual(foreign, []);
    });
  }

  for (const [tree, known] of Object.entries(layers.knownBy)) {
    it(`has ${tree} included by ${known.join(', ')} alone`, () => {
      const including = CODE_FOLDERS.flatMap((folder) => [...importsIn(folder)])
        .filter(([path, targets]) => treeOf(path) !== tree && targets.some((each) => treeOf(each) === tree))
        .map(([path]) => known.find((each) => path.startsWith(`${each}/`)) ?? path);
      assert.deepEqual([...new Set(including)].sort(), known.toSorted(), STALE);
    });
  }

  it('has no circles but those that are known', () => {
    const known = layers.circles.map(({ files }) => files.toSorted());
    const found = ['src', 'tender', 'libos'].flatMap((tree) =>
      circlesIn(grouped(importsInside(tree), moduleOf)),
    );
    assert.deepEqual(found.sort(), known.sort(), STALE);
  });

  it('has no long file', () => {
    const long = CODE_FOLDERS.flatMap((folder) => filesBelow(folder, CODE)).filter(
      (path) => read(path).split('\n').length - 1 > layers.linesMax,
    );
    assert.deepEqual(long, []);
  });

  it('has no wide line', () => {
    const wide = WIDE_FOLDERS.flatMap((folder) => filesBelow(folder, WIDE)).filter(
      (path) => !path.endsWith('.gen.ts') && widthOf(read(path)) > layers.columnsMax,
    );
    assert.deepEqual(wide, []);
  });
});

describe('a header in C', () => {
  for (const tree of ['tender', 'libos']) {
    const { declared, defined } = functionsOf(tree);

    it(`of ${tree} declares what its own folder defines, and upcalls what is above`, () => {
      const strays: string[] = [];
      for (const [name, headers] of declared) {
        for (const header of headers.filter((each) => each !== layers.upcalls && !isCallList(each))) {
          const homes = (defined.get(name) ?? []).map((path) => folderOf(tree, path));
          if (!homes.includes(folderOf(tree, header))) strays.push(`${header}: ${name}`);
        }
      }
      assert.deepEqual(strays, []);
    });

    it(`of ${tree} says what each C file but main.c does for others`, () => {
      const silent = [...defined].filter(([name, paths]) => {
        const isC = paths.some((path) => path.endsWith('.c') && !path.endsWith(`${tree}/main.c`));
        return isC && !declared.has(name);
      });
      assert.deepEqual(silent, []);
    });
  }

  it('of upcalls names where each function is and who calls it', () => {
    const { declared, defined } = functionsOf('libos');
    const headers = [...declared].filter(([, paths]) => paths.includes(layers.upcalls));
    assert.ok(headers.length > 0);
    const sections = read(layers.upcalls).split(/(?=^\/\*)/m);
    for (const [name] of headers) {
      const section = sections.find((each) => new RegExp(`\\b${name}\\(`).test(each)) ?? '';
      const [, home, callers] = /([a-z]+)\/[\w./]*, from ([a-z]+)/.exec(section) ?? [];
      const homes = (defined.get(name) ?? []).map((path) => folderOf('libos', path));
      assert.deepEqual(homes, [home], `${layers.upcalls} says that ${name} is in ${home}/`);
      const users = filesBelow('libos', SOURCE).filter(
        (path) => !path.endsWith('.h') && new RegExp(`\\b${name}\\b`).test(read(path)),
      );
      const folders = new Set(users.map((path) => folderOf('libos', path)));
      assert.ok(callers === 'everywhere' ? folders.size > 2 : folders.has(callers as string), name);
    }
  });
});

/** Each area's list of system calls: sys/ has them, the areas define them. */
function isCallList(path: string): boolean {
  return /^libos\/sys\/calls_\w+\.h$/.test(path);
}
