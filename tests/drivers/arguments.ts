import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { type Answer, Driver, NODEJS, PYTHON } from './harness.ts';

const PRELUDE = {
  nodejs:
    'const { STEPS } = process.env; ' +
    "const step = (name) => require('node:fs').appendFileSync(STEPS, name + ' ');\n",
  python:
    'import os\ndef step(name):\n    with open(os.environ["STEPS"], "a") as file: file.write(name + " ")\n',
};

/** Lets `require('seuss')` and `import seuss` find the module, as the runtime's image does. */
const MODULES = {
  NODE_PATH: join(import.meta.dirname, '../../drivers/nodejs'),
};

export interface Stopped {
  readonly parked: Answer;
  /** What the function had passed when it parked. */
  readonly steps: string[];
  readonly answer: Answer;
}

export interface Trial {
  readonly fixed?: JsonObject;
  readonly all?: JsonObject;
  readonly env?: Record<string, string>;
}

/** Runs a function that calls `step` on its way, specialised and then resumed. */
export async function specialized(
  language: 'nodejs' | 'python',
  source: string,
  { fixed = {}, all = {}, env = {} }: Trial,
): Promise<Stopped> {
  const file = join(folder({ steps: '' }), 'steps');
  await using driver = await Driver.boot(language === 'nodejs' ? NODEJS : PYTHON, { env: MODULES });
  await driver.load(PRELUDE[language] + source, {
    filename: language === 'nodejs' ? 'main.js' : 'main_.py',
    env: { STEPS: file },
    specialize: true,
  });
  const parked = await driver.specialize(fixed);
  const steps = readFileSync(file, 'utf8').split(' ').slice(0, -1);
  return { parked, steps, answer: await driver.resume(all, env) };
}

/** Where it parks, and what it answers. */
export async function check(
  language: 'nodejs' | 'python',
  source: string,
  trial: Trial,
  steps: readonly string[],
  value: JsonValue,
  status = 'ok',
): Promise<void> {
  const stopped = await specialized(language, source, trial);
  assert.deepEqual(stopped.steps, steps);
  assert.deepEqual([stopped.answer.status, stopped.answer.value], [status, value]);
}

/** A driver with functions that find the module `seuss`. */
export async function bootWithModules(language: 'nodejs' | 'python'): Promise<Driver> {
  return await Driver.boot(language === 'nodejs' ? NODEJS : PYTHON, { env: MODULES });
}
