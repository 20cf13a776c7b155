/**
 * The programs of tests/guests: each proves promises of Linux's interface, first on Linux itself,
 * then in a UC.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { here } from './programs.ts';

const sources = join(here, '../guests');
const built = join(here, '../../build/guests');

/**
 * Names of the programs that run on Linux as in a UC; those called hostile_… attack a UC's filter,
 * and have their own test.
 */
export function guestNames(): readonly string[] {
  return readdirSync(sources)
    .filter((file) => file.endsWith('.c') && !file.startsWith('hostile_'))
    .map((file) => file.slice(0, -2))
    .sort();
}

/** Compiles a program unless it is up to date. Returns its path. */
export function buildGuest(name: string): string {
  const source = join(sources, `${name}.c`);
  const program = join(built, name);
  if (modified(program) < newestSource(source)) {
    mkdirSync(built, { recursive: true });
    execFileSync('cc', ['-O1', '-std=gnu17', '-Wall', '-pthread', '-o', program, source, '-lm', '-lrt'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
  return program;
}

function newestSource(source: string): number {
  const headers = readdirSync(sources).filter((file) => file.endsWith('.h'));
  return Math.max(modified(source), ...headers.map((file) => modified(join(sources, file))));
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
