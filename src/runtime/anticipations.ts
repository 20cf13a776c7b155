import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PlatformError } from '../contract/errors.ts';
import { driversDir } from '../contract/paths.ts';
import { LANGUAGES } from './languages.ts';

/** One item of what a runtime is made to do before it is captured. */
interface Anticipation {
  readonly name: string;
  readonly why: string;
}

const list = z.array(z.strictObject({ name: z.string(), why: z.string() }));

/** What the driver of a language anticipates, in its order. */
export function anticipations(language: string): readonly Anticipation[] {
  return list.parse(JSON.parse(readFileSync(join(driversDir, language, 'anticipations.json'), 'utf8')));
}

/** @throws PlatformError `unknown_anticipation` for a name that no language has */
export function checkAnticipations(names: readonly string[]): void {
  const known = [
    ...new Set(LANGUAGES.flatMap((language) => anticipations(language.name).map(({ name }) => name))),
  ];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new PlatformError('unknown_anticipation', `there is no anticipation ${JSON.stringify(unknown)}`, {
      remedy: `choose from ${known.join(', ')}`,
    });
  }
}
