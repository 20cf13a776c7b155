/** Each command that a document names can be given: its program, its subcommand, its flags, its target. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Command } from 'commander';
import { commandLine } from '../src/cli/command-line.ts';
import { packageDir } from '../src/contract/paths.ts';
import { codeOf, markdownBelow } from './support/documents.ts';
import { filesBelow, read } from './support/tree.ts';

/** What `npm` does without a script of ours. */
const OF_NPM = new Set(['ci', 'install', 'pack', 'run']);
/** What stands for something that the reader has. */
const PLACEHOLDER = /^[A-Z]|…|\//;
/** Flags of drivers, of scripts, and of programs that are not ours. */
const FOREIGN_FLAGS = new Set([
  '--apihost',
  '--auth',
  '--check',
  '--no-ao',
  '--no-lazy',
  '--single-threaded',
  '--v8-pool-size',
]);

type Words = readonly string[];

const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
const testFiles = filesBelow('tests', /\.test\.ts$/).map((path) => path.slice('tests/'.length));
const documents = markdownBelow('.');

/** Commands of a line of code as words, each without a comment and the variables before it. */
function commandsIn(code: string): Words[] {
  return code
    .replace(/^\$ /, '')
    .replace(/\s+# .*$/, '')
    .split(/\s*(?:;|&&|\|)\s*/)
    .map((command) => command.split(/\s+/).filter((word) => word !== ''))
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word))));
}

function optionsOf(command: Command): string[] {
  const own = command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
  return [...own, ...(command.parent === null ? ['--version', '--help'] : optionsOf(command.parent))];
}

function flagsIn(words: Words): string[] {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return own.flatMap((word) => /^--[a-z][\w-]*/.exec(word) ?? []);
}

/** Why `seuss WORDS` cannot be given. */
function wrongSeuss(words: Words): string | undefined {
  let command = commandLine();
  let at = 0;
  for (; command.commands.length > 0 && at < words.length; at++) {
    const word = words[at] as string;
    if (word.startsWith('-') || PLACEHOLDER.test(word)) break;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return `no command ${word}`;
    command = next;
  }
  const known = optionsOf(command);
  const unknown = flagsIn(words.slice(at)).find((flag) => !known.includes(flag));
  return unknown === undefined ? undefined : `no flag ${unknown} of ${command.name()}`;
}

function wrongNpm([verb = '', name = '', ...rest]: Words): string | undefined {
  const script = verb === 'run' ? name : verb;
  if (!scripts.includes(script) && !OF_NPM.has(script)) return `no script ${script}`;
  const words = (verb === 'run' ? rest : [name, ...rest]).filter((word) => !word.startsWith('-'));
  if (!script.startsWith('test')) return undefined;
  const pattern = words.find(
    (word) => !/^[A-Z]/.test(word) && !testFiles.some((path) => path.includes(word)),
  );
  return pattern === undefined ? undefined : `no test for ${pattern}`;
}

function wrongMake([flag, dir = '', ...targets]: Words): string | undefined {
  if (flag !== '-C') return undefined;
  const makefile = join(dir, 'Makefile');
  if (!existsSync(join(packageDir, makefile))) return `no ${makefile}`;
  const text = read(makefile);
  const missing = targets.find(
    (target) => !target.includes('=') && !new RegExp(`^${target}:`, 'm').test(text),
  );
  return missing === undefined ? undefined : `no target ${missing}`;
}

function wrongNode([file = '']: Words): string | undefined {
  const isOurs = /^(?:scripts|src|tests)\//.test(file);
  return isOurs && !existsSync(join(packageDir, file)) ? `no ${file}` : undefined;
}

function wrong([program = '', ...words]: Words): string | undefined {
  if (program === 'npx') return words[0] === 'seuss' ? wrongSeuss(words.slice(1)) : undefined;
  if (program === 'seuss') return wrongSeuss(words);
  if (program === 'npm') return wrongNpm(words);
  if (program === 'make') return wrongMake(words);
  if (program === 'node' || program === 'node_modules/.bin/node') return wrongNode(words);
  return undefined;
}

it('commands that documents name can be given', () => {
  const faults = documents.flatMap((path) =>
    codeOf(path).flatMap((code) =>
      commandsIn(code).flatMap((words) => {
        const fault = wrong(words);
        return fault === undefined ? [] : [`${path}: ${words.join(' ')}: ${fault}`];
      }),
    ),
  );
  assert.deepEqual(faults, []);
});

it('flags that documents name by themselves are those of a command', () => {
  const all = (command: Command): string[] => [...optionsOf(command), ...command.commands.flatMap(all)];
  const known = new Set([...all(commandLine()), ...FOREIGN_FLAGS]);
  const named = documents.flatMap((path) =>
    codeOf(path)
      .filter((code) => code.startsWith('--'))
      .flatMap((code) => flagsIn(code.split(' ')).map((flag) => [path, flag] as const)),
  );
  assert.deepEqual(
    named.filter(([, flag]) => !known.has(flag)),
    [],
  );
  const needless = [...FOREIGN_FLAGS].filter((flag) => !named.some(([, each]) => each === flag));
  assert.deepEqual(needless, [], 'a flag that no document names any more leaves the list');
});

it('wrong commands are found', () => {
  const given = [
    'npx seuss serv',
    'seuss snapshot inspekt ID',
    'npx seuss serve --prot 80',
    'npm run tset',
    'npm test -- no-such-test',
    'make -C tests/nothing check',
    'make -C tests/libos chekc',
    'node scripts/nothing.mjs',
  ];
  for (const code of given) assert.ok(commandsIn(code).every(wrong), code);
});
