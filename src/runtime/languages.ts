import type { Language } from './language.ts';
import { nodejs } from './languages/nodejs.ts';
import { python } from './languages/python.ts';

/** All languages that functions are written in. */
export const LANGUAGES: readonly Language[] = [nodejs, python];

/**
 * The language of a kind, resolved or not. Kinds of no language count as Node.js, until they are
 * resolved and refused.
 */
export function languageOf(kind: string): Language {
  return LANGUAGES.find(({ name }) => kind.startsWith(`${name}:`)) ?? nodejs;
}
