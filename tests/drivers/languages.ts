/** What the tests of the driver protocol need to know of a language. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { type Answer, type Code, Driver, NODEJS, PYTHON } from './harness.ts';

export type LanguageName = 'nodejs' | 'python';

export interface Language {
  readonly name: LanguageName;
  readonly title: string;
  readonly command: readonly string[];
  readonly filename: string;
  /** Beginning of a function that calls `step(text)` on its way: it writes to the file that STEPS names. */
  readonly steps: string;
}

export const LANGUAGES: readonly Language[] = [
  {
    name: 'nodejs',
    title: 'Node.js',
    command: NODEJS,
    filename: 'hello.js',
    steps: text(
      'const { STEPS } = process.env;',
      "const step = (name) => require('node:fs').appendFileSync(STEPS, name + ' ');",
    ),
  },
  {
    name: 'python',
    title: 'Python',
    command: PYTHON,
    filename: 'hello.py',
    steps: text(
      'import os',
      'def step(name):',
      '    with open(os.environ["STEPS"], "a") as file: file.write(name + " ")',
    ),
  },
];

export function languageOf(name: LanguageName): Language {
  return LANGUAGES.find((language) => language.name === name) as Language;
}

/** Why a language has nothing of the kind. */
export interface Lacking {
  readonly skip: string;
}

/** What is the same thing in each language. */
export type InEach<T> = Readonly<Record<LanguageName, T>>;
export type InSome<T> = InEach<T | Lacking>;

/** Lines of a source. */
export function text(...lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

/** Lets `require('seuss')` and `import seuss` find the module, as the runtime's image does. */
const MODULES = { NODE_PATH: join(import.meta.dirname, '../../drivers/nodejs') };

export async function bootDriver({ command }: Language, anticipate = false): Promise<Driver> {
  return await Driver.boot(command, { anticipate, env: MODULES });
}

/** The answer of a function's first run in a driver of its own. */
export async function firstAnswer(
  language: Language,
  source: string,
  value: JsonValue = {},
  code: Code = {},
): Promise<Answer> {
  await using driver = await bootDriver(language);
  await driver.load(source, { filename: language.filename, ...code });
  return await driver.run(value);
}

/** Code that must not load. */
export async function assertFails(language: Language, code: Code, pattern: RegExp): Promise<void> {
  await using driver = await bootDriver(language);
  const answer = await driver.init(code);
  assert.equal(answer.op, 'failed');
  assert.match(answer.error ?? '', /^Initialization has failed due to: /);
  assert.match(answer.error ?? '', pattern);
}

function isLacking<T>(own: T | Lacking): own is Lacking {
  return typeof own === 'object' && own !== null && 'skip' in own;
}

/** One promise of the protocol, tried in each language with what it has for it. */
export function itInEach<T>(
  title: string,
  ofEach: InSome<T>,
  test: (language: Language, own: T) => Promise<void>,
): void {
  for (const language of LANGUAGES) {
    const own = ofEach[language.name];
    if (isLacking(own)) {
      it(`${title} (${language.title})`, { skip: own.skip });
    } else {
      it(`${title} (${language.title})`, () => test(language, own));
    }
  }
}

/** The same for functions: `test` gets a driver that has loaded the one of its language. */
export function itLoaded(
  title: string,
  sources: InSome<string>,
  test: (driver: Driver, language: Language) => Promise<void>,
  code: Code = {},
): void {
  itInEach(title, sources, async (language, source) => {
    await using driver = await bootDriver(language);
    await driver.load(source, { filename: language.filename, ...code });
    await test(driver, language);
  });
}

/** The status of an answer, and its value or what its error must match. */
export function assertAnswers(answer: Answer, status: string, value: JsonValue | RegExp): void {
  assert.equal(answer.status, status);
  if (value instanceof RegExp) {
    assert.match(String((answer.value as { error: string }).error), value);
  } else {
    assert.deepEqual(answer.value, value);
  }
}
