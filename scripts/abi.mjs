// Writes src/tender/abi.gen.ts from abi/*.h: `node scripts/abi.mjs`; with --check it only says
// whether the file is up to date. The names come from the headers' text, the numbers from the C
// compiler.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'src/tender/abi.gen.ts');
const HEADERS = ['control', 'layout', 'link', 'plan'];

/** Numbers that stand for themselves. */
const CONSTANTS = [
  'CONTROL_VERSION',
  'CONTROL_PAYLOAD_MAX',
  'CONTROL_IMAGES_MAX',
  'CONTROL_IMAGE_HUGE',
  'CONTROL_KILL_MEMORY',
  'CONTROL_CAPTURE_KEEP',
  'CONTROL_CAPTURE_LIVE',
  'CONTROL_CAPTURE_AT_ANSWER',
  'CONTROL_STATE_DEMOTED',
  'LINK_VERSION',
  'LINK_MORE',
  'LINK_ROOT_IMAGE',
  'LINK_ROOT_HOST',
  'PLAN_VERSION',
  'PLAN_ANONYMOUS',
  'UC_IMAGE_MAX',
];
/**
 * Objects of numbers whose macros begin alike: name, prefix, and the members of those that are no
 * enumeration.
 */
const GROUPS = [
  { name: 'Control', prefix: 'CONTROL_', of: 'control_type' },
  { name: 'Link', prefix: 'LINK_', of: 'link_type' },
  { name: 'ExitReason', prefix: 'CONTROL_EXIT_', of: 'control_exit_reason' },
  { name: 'DiffKind', prefix: 'CONTROL_DIFF_', of: 'control_diff_kind' },
  { name: 'SnapshotForm', prefix: 'CONTROL_FORM_', members: ['PAGES', 'WORDS'] },
  {
    name: 'UcLayout',
    prefix: 'UC_',
    members: ['PATCH_BASE', 'PATCH_END', 'LIBOS_BASE', 'LIBOS_END', 'VDSO_BASE', 'VDSO_END'],
  },
];
/** Besides those of the control protocol. */
const STRUCTS = ['plan_map', 'link_exit'];

const camel = (name) => name.toLowerCase().replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());

function headerText() {
  const text = HEADERS.map((name) => readFileSync(join(root, `abi/${name}.h`), 'utf8')).join('\n');
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
}

function enumerators(text, name) {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`abi/ has no enum ${name}`);
  return [...body.matchAll(/^\s*([A-Z]\w*)/gm)].map(([, member]) => member);
}

/** The fields of a structure, in their order. */
function fieldsOf(text, name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`abi/ has no struct ${name}`);
  return [...body.matchAll(/^\s*\w+ ([^;]+);/gm)]
    .flatMap(([, names]) => names.split(','))
    .map((field) => field.trim().replace(/\[.*/, ''))
    .filter((field) => !field.startsWith('reserved'));
}

/** What the compiler makes of each expression. */
function numbers(expressions) {
  const dir = mkdtempSync(join(tmpdir(), 'seuss-abi-'));
  try {
    const includes = ['<stddef.h>', '<stdio.h>', ...HEADERS.map((name) => `"abi/${name}.h"`)];
    const lines = [
      ...includes.map((name) => `#include ${name}`),
      'int main(void)\n{',
      ...expressions.map((expression) => `printf("%ld\\n", (long)(${expression}));`),
      '}\n',
    ];
    writeFileSync(join(dir, 'probe.c'), lines.join('\n'));
    execFileSync('cc', ['-I', root, '-o', join(dir, 'probe'), join(dir, 'probe.c')], { stdio: 'pipe' });
    const printed = execFileSync(join(dir, 'probe'), { encoding: 'utf8' }).trim().split('\n').map(Number);
    return new Map(expressions.map((expression, index) => [expression, printed[index]]));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function objectText(name, comment, entries) {
  const members = entries.map(([key, value]) => `  ${key}: ${value},`);
  return [`/** ${comment} */`, `export const ${name} = {`, ...members, '} as const;', ''];
}

/** The whole file. */
export function generate() {
  const text = headerText();
  const structs = [...text.matchAll(/struct (control_\w+) \{/g)].map(([, name]) => name).concat(STRUCTS);
  const keyOf = (struct) => camel(struct.replace(/^control_/, ''));
  const groups = GROUPS.map(({ name, prefix, of, members }) => ({
    name,
    comment: of === undefined ? `${prefix}…` : `enum ${of}.`,
    prefix,
    macros: of === undefined ? members.map((member) => prefix + member) : enumerators(text, of),
  }));
  const fields = structs.map((struct) => ({ struct, names: fieldsOf(text, struct) }));
  const size = (struct) => `sizeof(struct ${struct})`;
  const offset = (struct, field) => `offsetof(struct ${struct}, ${field})`;
  const known = numbers([
    ...CONSTANTS,
    ...groups.flatMap(({ macros }) => macros),
    ...structs.map(size),
    ...fields.flatMap(({ struct, names }) => names.map((field) => offset(struct, field))),
  ]);
  const offsets = fields.map(({ struct, names }) => {
    const members = names.map((field) => `${camel(field)}: ${known.get(offset(struct, field))}`);
    return [keyOf(struct), `{ ${members.join(', ')} }`];
  });
  return [
    '// Generated by scripts/abi.mjs from abi/*.h.',
    '',
    ...CONSTANTS.map((name) => `export const ${name} = ${known.get(name)};`),
    '',
    ...groups.flatMap(({ name, comment, prefix, macros }) =>
      objectText(
        name,
        comment,
        macros.map((macro) => [camel(macro.slice(prefix.length)), known.get(macro)]),
      ),
    ),
    ...objectText(
      'Size',
      'Bytes of the structures.',
      structs.map((each) => [keyOf(each), known.get(size(each))]),
    ),
    ...objectText('At', 'Offsets of their fields.', offsets),
  ].join('\n');
}

/** As the formatter would have it. */
function formatted(text) {
  return execFileSync(join(root, 'node_modules/.bin/biome'), ['format', `--stdin-file-path=${file}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = formatted(generate());
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not that of abi/*.h; run: node scripts/abi.mjs`);
    process.exitCode = 1;
  }
}
