/** Documents keep to what they promise their readers: what they point to is there, and lines are short. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { packageDir } from '../src/contract/paths.ts';
import { linesOf, markdownBelow } from './support/documents.ts';
import { filesBelow, read } from './support/tree.ts';

const COLUMNS_MAX = 110;
const TABLE = /^\s*\|/;
const LINK_ONLY = /^\s*(?:[-*] )?\[[^\]]*\]\([^)]*\)[.,;:]?$/;
/** In text without line breaks. A target has no blank; before `#` stands a file, or nothing for this one. */
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g;
const NAMED_PATH = /`((?:\.ci|src|tests|libos|tender|abi|docs|drivers|scripts|examples)\/[\w./*-]+)`/g;
/** In the code, where it sends its reader. */
const NAMED_DOCUMENT = /\bdocs\/[\w./-]+\.md\b/g;

/** Anchors of a file's headings, as forges make them. */
function anchorsOf(path: string): Set<string> {
  const headings = linesOf(path).filter(({ text, isCode }) => !isCode && /^#+ /.test(text));
  return new Set(
    headings.map(({ text }) =>
      text
        .replace(/^#+ /, '')
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\-_ ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const documents = markdownBelow('.');

it('the table of system calls is that of the library OS', () => {
  execFileSync(process.execPath, [join(packageDir, 'scripts/compatibility.mjs'), '--check'], {
    stdio: 'pipe',
  });
});

it('the page of errors is that of the code', () => {
  execFileSync(process.execPath, [join(packageDir, 'scripts/errors.mjs'), '--check'], { stdio: 'pipe' });
});

it('the page of thresholds is that of the code, where each says its reason', () => {
  execFileSync(process.execPath, [join(packageDir, 'scripts/thresholds.mjs'), '--check'], { stdio: 'pipe' });
});

it('the guide to versions knows each version of what C parts agree on', () => {
  const guide = read('docs/guides/raise-a-version.md');
  const headers = readdirSync(join(packageDir, 'abi')).map((name) => read(`abi/${name}`));
  for (const [, name] of headers.join('').matchAll(/^#define (\w+_VERSION) /gm)) {
    assert.match(guide, new RegExp(`^\\| \`${name}\` \\|`, 'm'));
  }
});

it('links between documents lead somewhere, and so do their anchors', () => {
  for (const path of [...documents, 'examples/README.md']) {
    for (const [link, target, anchor] of read(path).matchAll(LINK)) {
      const file = target === '' ? path : join(dirname(path), target as string);
      assert.ok(existsSync(join(packageDir, file)), `${path} links to ${file}`);
      if (anchor === undefined) continue;
      assert.ok(anchorsOf(file).has(anchor), `${path} has the link ${link}, but ${file} no such heading`);
    }
  }
});

it('every document is in the index, or beside one that is', () => {
  const index = read('docs/README.md');
  for (const path of documents.filter((each) => /^docs\/(?:guides\/)?[^/]+\.md$/.test(each))) {
    const name = path.slice('docs/'.length);
    assert.ok(name === 'README.md' || index.includes(`](${name}`), `docs/README.md leaves out ${path}`);
  }
  for (const folder of ['decisions', 'measurements']) {
    assert.ok(index.includes(`](${folder}/README.md)`));
    const names = readdirSync(join(packageDir, 'docs', folder)).filter((name) => name !== 'README.md');
    const list = read(`docs/${folder}/README.md`);
    for (const name of names)
      assert.ok(list.includes(`](${name})`), `${folder}/README.md leaves out ${name}`);
  }
});

it('paths that documents name exist', () => {
  for (const path of documents) {
    for (const [, named] of read(path).matchAll(NAMED_PATH)) {
      assert.ok(globSync(named as string, { cwd: packageDir }).length > 0, `${path} names ${named}`);
    }
  }
});

it('documents that the code names exist', () => {
  for (const folder of ['src', 'tests', 'scripts', 'drivers', 'libos', 'tender', 'abi', 'examples']) {
    for (const path of filesBelow(folder, /\.(?:ts|js|mjs|cjs|py|c|h|S|sh)$/)) {
      for (const [named] of read(path).matchAll(NAMED_DOCUMENT)) {
        assert.ok(existsSync(join(packageDir, named)), `${path} names ${named}`);
      }
    }
  }
});

it(`documents have no line over ${COLUMNS_MAX} columns`, () => {
  const long = documents.flatMap((path) =>
    linesOf(path)
      .filter(({ text }) => [...text].length > COLUMNS_MAX)
      .filter(({ text }) => !TABLE.test(text) && !LINK_ONLY.test(text))
      .filter(({ text, isCode }) => !(isCode && /https?:/.test(text)))
      .map(({ number }) => `${path}:${number}`),
  );
  assert.deepEqual(long, []);
});

it('documents have no marks of a merge', () => {
  const marked = documents.filter((path) => linesOf(path).some(({ text }) => /^(?:<{7}|>{7}) /.test(text)));
  assert.deepEqual(marked, []);
});

it('decisions have the same parts', () => {
  for (const path of documents.filter((each) => /^docs\/decisions\/\d/.test(each))) {
    const headings = [...read(path).matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    assert.deepEqual(headings, ['Context', 'Decision', 'Consequences', 'Status'], path);
  }
});
