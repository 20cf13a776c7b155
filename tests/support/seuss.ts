import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SeussOptions {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Starts the command line as its users do, in a process of its own. */
export function spawnSeuss(args: readonly string[], options: SeussOptions = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    stdio: 'pipe',
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
}

/** Runs the command line to its end. */
export async function seuss(args: readonly string[], options: SeussOptions = {}): Promise<Finished> {
  const child = spawnSeuss(args, options);
  const streams = child as ChildProcess & {
    stdin: NodeJS.WritableStream;
    stdout: NodeJS.ReadableStream;
    stderr: NodeJS.ReadableStream;
  };
  streams.stdin.on('error', () => undefined);
  streams.stdin.end(options.input ?? '');
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(streams.stdout),
    text(streams.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { status, signal, stdout, stderr };
}
