import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { PlatformError } from '../contract/errors.ts';

/** Loads a module, runs its `main` once, and then waits for its input to end. */
const NODEJS_WAITER = `
const main = require(process.argv[1]).main;
Promise.resolve(main({})).then(() => console.log('ready'));
process.stdin.resume();`;

const PYTHON_WAITER = `
import runpy, sys
runpy.run_path(sys.argv[1])["main"]({})
print("ready", flush=True)
sys.stdin.read()`;

/**
 * Memory of an idle process that holds the function, the mean of so many at a time: its share of
 * the pages that they use together (Pss, proc_pid_smaps(5)), and its page tables.
 */
export async function idleProcessBytes(interpreter: string, path: string, count: number): Promise<number> {
  const children: ChildProcess[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const child = startWaiter(interpreter, path);
      children.push(child);
      await ready(child, interpreter);
    }
    return children.reduce((sum, child) => sum + bytesOf(child), 0) / count;
  } finally {
    await Promise.all(children.map(end));
  }
}

function startWaiter(interpreter: string, path: string): ChildProcess {
  const python = path.endsWith('.py');
  const args = [python ? '-c' : '-e', python ? PYTHON_WAITER : NODEJS_WAITER, path];
  return spawn(interpreter, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function bytesOf({ pid }: ChildProcess): number {
  const field = (file: string, name: string): number =>
    Number(
      new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0,
    );
  return (field('smaps_rollup', 'Pss') + field('status', 'VmPTE')) * 1024;
}

async function ready(child: ChildProcess, interpreter: string): Promise<void> {
  if (child.stdout === null) return;
  const gone = once(child, 'exit').then(() => {
    throw new PlatformError('plain_process_failed', `${interpreter} ended before it was ready`);
  });
  gone.catch(() => undefined);
  await Promise.race([once(child.stdout, 'data'), gone]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
