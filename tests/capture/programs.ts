/**
 * Busy programs whose output is the same in every run: a line per step, with a digest of all that
 * the step made. What they do in between, in memory, registers, threads, files, sockets and
 * signals, is what captures must not disturb.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedNode } from '../compat/programs.ts';
import { NODEJS, PYTHON } from '../support/actions.ts';

const here = import.meta.dirname;
const built = join(here, '../../build/captures');

export interface BusyProgram {
  readonly name: string;
  /** The root image: a kind's, or that of the C programs. */
  readonly root: string;
  readonly argv: readonly string[];
  /** The same on the host. */
  readonly native: readonly string[];
}

export const C_ROOT = 'c';
const C_BUSY = ['memory', 'registers', 'signals'] as const;
/** What the image of C_ROOT holds. */
export const C_PROGRAMS = [...C_BUSY, 'stray'] as const;

const ENV = { PATH: '/usr/bin:/bin', HOME: '/root', LANG: 'C.UTF-8', TZ: 'UTC', PYTHONUTF8: '1' };
export const BUSY_ENV: Readonly<Record<string, string>> = ENV;

function source(name: string): string {
  return readFileSync(join(here, 'guests', name), 'utf8');
}

/** Node.js takes its text as an argument, as no image holds it. */
function nodejs(name: string, flags: readonly string[] = []): BusyProgram {
  const args = [...flags, '-e', source(`${name}.cjs`)];
  return {
    name: `${name}.cjs`,
    root: NODEJS,
    argv: ['/usr/bin/node', ...args],
    native: [pinnedNode, ...args],
  };
}

function python(name: string): BusyProgram {
  const args = ['-s', '-B', '-c', source(`${name}.py`)];
  return {
    name: `${name}.py`,
    root: PYTHON,
    argv: ['/usr/bin/python3.11', ...args],
    native: ['python3.11', ...args],
  };
}

function c(name: string): BusyProgram {
  return { name: `${name}.c`, root: C_ROOT, argv: [`/${name}`], native: [builtProgram(name)] };
}

/** tests/capture/guests/stray.c, at one of its places. */
export function stray(...args: readonly string[]): BusyProgram {
  const program = c('stray');
  return { ...program, argv: [...program.argv, ...args], native: [...program.native, ...args] };
}

/** Compiles a C program unless it is up to date. Returns its path. */
export function builtProgram(name: string): string {
  const from = join(here, 'guests', `${name}.c`);
  const to = join(built, name);
  if (modified(to) < modified(from)) {
    mkdirSync(built, { recursive: true });
    const flags = ['-O1', '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-static', '-pthread', '-mfsgsbase'];
    execFileSync('cc', [...flags, '-o', to, from], { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return to;
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export function busyPrograms(): readonly BusyProgram[] {
  return [
    nodejs('jit'),
    nodejs('collector'),
    nodejs('interpreter', ['--no-opt', '--no-sparkplug', '--single-threaded']),
    nodejs('streams'),
    nodejs('codecs'),
    nodejs('workers'),
    python('interpreter'),
    python('threads'),
    python('devices'),
    ...C_BUSY.map(c),
  ];
}
