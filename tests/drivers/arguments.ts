import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import type { Answer } from './harness.ts';
import { bootDriver, type Language } from './languages.ts';

/** What tests give to a function, if nothing else matters. */
export const ALL = { b: 2, a: 1, c: { d: [3] } };

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

/** Runs a function that calls `step` on its way, specialized and then resumed. */
export async function specialized(
  language: Language,
  source: string,
  { fixed = {}, all = {}, env = {} }: Trial,
): Promise<Stopped> {
  const file = join(folder({ steps: '' }), 'steps');
  await using driver = await bootDriver(language);
  const { filename } = language;
  await driver.load(language.steps + source, { filename, env: { STEPS: file }, specialize: true });
  const parked = await driver.specialize(fixed);
  const steps = readFileSync(file, 'utf8').split(' ').slice(0, -1);
  return { parked, steps, answer: await driver.resume(all, env) };
}

/** Where it parks, and what it answers. */
export async function check(
  language: Language,
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
