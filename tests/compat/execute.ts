/**
 * Runs a program natively, or in a UC by `seuss run`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMON_ENV, findProgram, here, type Program, pinnedNode } from './programs.ts';

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status, or the name of the signal. */
  readonly status: number | string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const CLI = join(here, '../../src/cli/main.ts');

/** What stands for `seuss run` (development): words before the options. */
const UC_COMMAND = process.env.SEUSS_COMPAT_RUN?.split(' ') ?? [process.execPath, CLI, 'run'];

export async function runNatively(program: Program): Promise<Outcome> {
  const tmp = mkdtempSync(join(realpathSync(tmpdir()), 'seuss-compat-'));
  try {
    const { argv, env, cwd } = resolve(program, tmp);
    const outcome = await capture(argv, env, cwd, program);
    return {
      ...outcome,
      stdout: outcome.stdout.replaceAll(tmp, '/tmp'),
      stderr: outcome.stderr.replaceAll(tmp, '/tmp'),
    };
  } finally {
    rmSync(tmp, { recursive: true, force: true });
  }
}

/** A checkout below /tmp is shown to the guest, which has a /tmp of its own, at this place. */
const CHECKOUT = '/checkout';
const root = join(here, '../..');
const hidden = `${root}/`.startsWith('/tmp/');

export async function runInUc(program: Program): Promise<Outcome> {
  const shown = (text: string) => (hidden ? text.replaceAll(root, CHECKOUT) : text);
  const { argv, env, cwd } = resolve(program, '/tmp');
  const mounts = hidden ? ['--mount', `${root}:${CHECKOUT}`] : [];
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${shown(value)}`]);
  const options = [...mounts, ...variables, '--cwd', shown(cwd)];
  const outcome = await capture(
    [...UC_COMMAND, ...options, '--', ...argv.map(shown)],
    process.env,
    here,
    program,
  );
  return {
    ...outcome,
    stdout: outcome.stdout.replaceAll(CHECKOUT, root),
    stderr: outcome.stderr.replaceAll(CHECKOUT, root),
  };
}

function resolve(program: Program, tmp: string) {
  const fill = (text: string) =>
    text.replaceAll('{here}', here).replaceAll('{node}', pinnedNode).replaceAll('{tmp}', tmp);
  const [name = '', ...args] = program.argv.map(fill);
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  const env = { ...COMMON_ENV, TMPDIR: tmp, ...program.env };
  return {
    argv: [path, ...args],
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)])),
    cwd: fill(program.cwd ?? '/'),
  };
}

function capture(
  [file = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv | Record<string, string>,
  cwd: string,
  { stdin, timeoutMs = DEFAULT_TIMEOUT_MS }: Program,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env,
      cwd,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    /* A program may end without reading what it is given. */
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...output, status: code ?? signal ?? 'unknown' }));
  });
}
