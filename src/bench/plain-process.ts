import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import type { JsonObject, JsonValue } from '../json/json-text.ts';

/**
 * Loads a module, calls its `main` with the arguments, prints the result: what the drivers do,
 * without them.
 */
const NODEJS_LOADER = `
const [path, args] = process.argv.slice(1);
import(require('node:url').pathToFileURL(path)).then(async (m) => {
  const main = m.main ?? m.default?.main ?? m.default;
  console.log(JSON.stringify(await main(JSON.parse(args)) ?? {}));
});`;

const PYTHON_LOADER = `
import json, os, runpy, sys
path, args = sys.argv[1:]
sys.path.insert(0, os.path.dirname(path))
os.chdir(os.path.dirname(path))
print(json.dumps(runpy.run_path(path)["main"](json.loads(args))), flush=True)`;

interface PlainRun {
  /** From the spawn of the process to its answer. */
  readonly ms: number;
  readonly result: JsonValue;
}

/**
 * Runs a function in an ordinary process of the same interpreter: what a warm start is compared with.
 * @param allCores cores it may use, as taskset(1) takes them, where this thread is bound to one
 */
export async function runPlain(
  interpreter: string,
  path: string,
  params: JsonObject = {},
  allCores?: string,
): Promise<PlainRun> {
  const python = /python[\d.]*$/.test(interpreter);
  const entry = await entryOf(path, python);
  const loader = python ? ['-c', PYTHON_LOADER] : ['-e', NODEJS_LOADER];
  const start = performance.now();
  const command = [interpreter, ...loader, entry, JSON.stringify(params)];
  const [program = interpreter, ...args] = allCores ? ['taskset', '-c', allCores, ...command] : command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let ms: number | undefined;
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.includes('\n')) ms ??= performance.now() - start;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0 || ms === undefined) {
    throw new PlatformError('plain_process_failed', `${interpreter} could not run ${path}: ${stderr.trim()}`);
  }
  return { ms, result: JSON.parse(stdout) };
}

async function entryOf(path: string, python: boolean): Promise<string> {
  const status = await stat(path);
  if (!status.isDirectory()) return path;
  return join(path, python ? '__main__.py' : 'index.js');
}
