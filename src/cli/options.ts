import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { JsonText, membersOf, objectOf } from '../json/json-text.ts';
import { UsageError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512M`, `4G`, `1.5GiB` → bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('A size is a number with K, M, G or T, like 512M.');
  }
  return Math.floor(Number(match[1]) * unit);
}

/** A whole number in a range. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/**
 * Options that take two words, as OpenWhisk's own client has them; commander knows options of one
 * word only.
 */
export function joinParamWords(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === '--') return [...joined, ...argv.slice(i)];
    if (word !== '-p' && word !== '--param') {
      joined.push(word);
      continue;
    }
    const [key, value] = argv.slice(i + 1, i + 3);
    if (key === undefined || value === undefined) {
      throw new UsageError(`${word} takes a key and a value: ${word} name Ada`);
    }
    joined.push(`--param=${JSON.stringify([key, value])}`);
    i += 2;
  }
  return joined;
}

/** Arguments of a function: `--params` first, each `-p` over it. A value that is JSON is taken as JSON. */
export function parseParams(params: string | undefined, pairs: readonly string[]): JsonText {
  const whole = params === undefined ? JsonText.of({}) : parseWhole(params);
  if (pairs.length === 0) return whole;
  if (whole.isArray) throw new UsageError('-p adds to an object; --params is an array.');
  const members = membersOf(whole);
  for (const pair of pairs) {
    const [key, value] = JSON.parse(pair) as [string, string];
    members.set(key, parseValue(value));
  }
  return objectOf(members);
}

function parseWhole(text: string): JsonText {
  const source = text.startsWith('@') ? readParamsFile(text.slice(1)) : text;
  let value: JsonText;
  try {
    value = JsonText.parse(source);
  } catch (error) {
    throw new UsageError(`--params is not valid JSON: ${(error as Error).message}`);
  }
  if (!value.isObject && !value.isArray) {
    throw new UsageError('--params is a JSON object or array.');
  }
  return value;
}

function readParamsFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--params names the file ${path}: ${(error as Error).message}`);
  }
}

function parseValue(text: string): JsonText {
  try {
    return JsonText.parse(text);
  } catch {
    return JsonText.of(text);
  }
}
