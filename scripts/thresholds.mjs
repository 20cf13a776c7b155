// Writes docs/reference/thresholds.md from the constants of the code and their comments:
// `node scripts/thresholds.mjs`; with --check it only says whether the page is up to date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'docs/reference/thresholds.md');

/** Where each number is named in capitals and says why; `strict`: one that does not is a fault. */
const PARTS = [
  { title: 'The node', folder: 'src/node', strict: true },
  { title: 'The API', folder: 'src/api', strict: true },
  { title: 'The catalog', folder: 'src/catalog', strict: true },
  { title: 'Code of actions', folder: 'src/action', strict: true },
  { title: 'The history', folder: 'src/history', strict: true },
  { title: 'Long texts', folder: 'src/reading', strict: true },
  { title: 'Threads', folder: 'src/threads', strict: true },
  { title: 'Contexts, as the node sees them', folder: 'src/uc', strict: true },
  { title: 'Snapshots', folder: 'src/snapshot', strict: true },
  { title: 'The store', folder: 'src/store', strict: true },
  { title: 'Tenders, as the node sees them', folder: 'src/tender', strict: true },
  { title: 'Names of code', folder: 'src/symbols', strict: true },
  { title: 'Interfaces of the C parts', folder: 'abi', strict: false },
  { title: 'The tender', folder: 'tender', strict: true },
  { title: 'The library OS', folder: 'libos', strict: false },
];

/** Numbers that others have set: formats, protocols, the kernel's and the processor's names. */
const GIVEN = new RegExp(
  'VERSION$|^E[A-Z]+$|^NEWLINE$|^METHOD_|^MADV_|^PAGE_(BYTES|SHIFT|WORDS|SIZE|MASK)$' +
    '|^(MS|SECOND)_NS$|ALIGN$|_(END|BEGIN|FD|INLINE)$',
);
const OTHERS = new RegExp(
  '^(PROT_EXEC|FLAGS_CLEAR|MASK_SIGALRM|KILL|ALLOW|SUFFIX_BYTES|CAPTURE_SOURCES_MAX|IMAGE_BYTES_MAX)$' +
    '|^(NEVER_NS|MB|SEQ_MAX)$|^(SCAN_PAGE|ENTRY|ERESTART|SYSCALL|HUGE_FS|FORMAT|SELECTOR|UTF8|TRAPFRAME)',
);
const GIVEN_FILES = /\.gen\.ts$|^libos\/(include\/types|vdso)|^tender\/plan\/frame/;
/** In the library OS most names are Linux's; what bounds a guest ends so. */
const BOUND = /_MAX$|LIMIT$|SLICE_NS$|OVERCOMMIT_/;

/** Numbers below one comment, line by line, share it. */
const DITTO = '″';

const TS = /^(?:export )?const ([A-Z][A-Z0-9_]*) = (.+);$/;
const C = /^#define ([A-Z][A-Z0-9_]*)[ \t]+(.+)$/;
const NAME = /\b[A-Z][A-Z0-9_]*\b/g;
const HEXADECIMAL = /\b0[xo]|\b0\d/;

const BYTES = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Units that a name ends in. Bytes and nanoseconds are shown as the largest unit that is whole. */
const UNITS = [
  [/_NS$/, (value) => scaled(value, ['ns', 'µs', 'ms', 's'], 1000)],
  [/_US$/, (value) => `${value} µs`],
  [/BYTES_PER_MS/, (value) => `${scaled(value, BYTES, 1024)} per ms`],
  [/_MS(_MAX)?$/, (value) => scaled(value, ['ms', 's'], 1000)],
  [/_S$/, (value) => `${value} s`],
  [/BYTES(_MAX|_MIN)?$|_SLACK$|^DATA_MAX$/, (value) => scaled(value, BYTES, 1024)],
  [/PAGES(_MAX|_MIN|_MORE)?$|PAGES_(ROOT|CHILD)$/, (value) => `${value.toLocaleString('en')} pages`],
  [/CHARS(_MAX)?$/, (value) => `${value.toLocaleString('en')} characters`],
];

function scaled(value, units, step) {
  let at = 0;
  for (; at + 1 < units.length && value >= step && Number.isInteger((value / step) * 10); at++) value /= step;
  return `${value.toLocaleString('en')} ${units[at]}`;
}

function filesOf(folder) {
  const names = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile() && /\.(ts|c|h)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !GIVEN_FILES.test(path))
    .sort();
}

/** What a comment's lines say, as one line of Markdown. */
function prose(lines) {
  return lines
    .join(' ')
    .replace(/^\s*\/\*+|\*\/\s*$/g, '')
    .replaceAll(/\s\*\s/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
}

/** The comment that ends before a line, or undefined. */
function commentAbove(lines, at) {
  if (!/\*\/\s*$/.test(lines[at - 1] ?? '')) return undefined;
  let from = at - 1;
  while (from >= 0 && !/^\s*\/\*/.test(lines[from])) {
    // It ends a line of code, and is that one's.
    if (/^\s*(#|const|export)/.test(lines[from])) return undefined;
    from -= 1;
  }
  return prose(lines.slice(from, at));
}

/** The value's text and the comment that stands behind it, over several lines if need be. */
function valueAt(text, lines, at) {
  const start = text.indexOf('/*');
  if (start < 0) return { value: text.trim() };
  const own = [text.slice(start)];
  for (let next = at + 1; !own.at(-1).includes('*/') && next < lines.length; next++) own.push(lines[next]);
  return { value: text.slice(0, start).trim(), behind: prose(own) };
}

/** Constants of a file, whatever they are. `why` is empty where nothing says it. */
function constantsOf(path) {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const pattern = path.endsWith('.ts') ? TS : C;
  const found = [];
  let last = { at: -2, hasReason: false };
  for (const [at, line] of lines.entries()) {
    const [, name, text] = pattern.exec(line) ?? [];
    if (name === undefined) continue;
    const { value, behind } = valueAt(text, lines, at);
    const above = commentAbove(lines, at);
    const follows = last.at === at - 1 && last.hasReason;
    last = { at, hasReason: above !== undefined || (follows && behind === undefined) };
    found.push({ path, name, text: value, why: behind ?? above ?? (follows ? DITTO : '') });
  }
  return found;
}

/** The number that an expression means, or undefined when it takes a compiler to tell. */
function evaluate(text, known, depth = 0) {
  if (depth > 8) return undefined;
  const plain = text
    .replaceAll(/\b(0x[0-9a-f]+|[\d_]+)(?:u|l|ul|ll|ull)\b/gi, '$1')
    .replaceAll(/\b0x[0-9a-f_]+\b/gi, (digits) => String(Number(digits.replaceAll('_', ''))));
  const whole = plain.replaceAll(NAME, (name) => {
    const definition = known.get(name);
    return `(${definition === undefined ? 'NaN' : (evaluate(definition, known, depth + 1) ?? 'NaN')})`;
  });
  if (!/^[\s\d._()*/+<>-]+$/.test(whole)) return undefined;
  try {
    const value = Number(new Function(`return (${whole.replaceAll(/<</g, '* 2 **')});`)());
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function shown({ name, text }, known) {
  const value = evaluate(text, known);
  if (value === undefined) return `\`${text}\``;
  const unit = UNITS.find(([ends]) => ends.test(name));
  return unit === undefined ? value.toLocaleString('en') : unit[1](value);
}

function isThreshold({ path, name, text }) {
  if (
    GIVEN.test(name) ||
    OTHERS.test(name) ||
    (HEXADECIMAL.test(text) && !BOUND.test(name)) ||
    /["'`{[&|~?]|=>|sizeof|[a-z]\(/.test(text)
  )
    return false;
  if (!/\d|_/.test(text) || /^[(\d]*n\b|\bn;?$/.test(text)) return false;
  return !/^(libos|abi)\//.test(path) || BOUND.test(name);
}

const faults = [];

function sectionOf({ title, folder, strict }) {
  let paths;
  try {
    paths = filesOf(folder);
  } catch {
    return [];
  }
  const all = paths.flatMap(constantsOf);
  const shared = new Map([...headers, ...all.filter(({ path }) => path.endsWith('.h'))].map(pair));
  let above;
  const rows = all.filter(isThreshold).flatMap((constant) => {
    const own = all.filter(({ path }) => path === constant.path).map(pair);
    const value = shown(constant, new Map([...shared, ...own]));
    if (constant.why === '' || (constant.why === DITTO && above !== constant.path)) {
      if (strict) faults.push(`${constant.path}: ${constant.name} says nothing of its reason`);
      return [];
    }
    above = constant.path;
    return [`| \`${constant.name}\` | ${value} | \`${constant.path}\` | ${constant.why} |`];
  });
  if (rows.length === 0) return [];
  return [`## ${title}`, '', '| name | value | where | why |', '| --- | --- | --- | --- |', ...rows, ''];
}

const pair = ({ name, text }) => [name, text];
const headers = ['abi', 'tender/base'].flatMap(filesOf).flatMap(constantsOf);

const text = `# Thresholds

Numbers that decide what happens when. Each stands where it is used, with its reason. ″ means: as the
row above.
\`scripts/thresholds.mjs\` makes this page of those places. What an operator can choose is an
[option](../guides/operating.md) instead.

${PARTS.flatMap(sectionOf).join('\n').trim()}
`;

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  console.error(`${page} is out of date; run: node scripts/thresholds.mjs`);
  process.exitCode = 1;
}
