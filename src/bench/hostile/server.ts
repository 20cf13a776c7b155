import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PlatformError } from '../../contract/errors.ts';
import type { ServerAddress } from './http-client.ts';

export interface ServerOptions {
  /** As `--memory` of `seuss serve`. */
  readonly memory?: string;
  /** Another user and data folder than this process's. */
  readonly as?: { readonly uid: number; readonly gid: number; readonly home: string };
}

const announced = z.object({ url: z.string(), key: z.string() });
/** The command line, of the sources or of the published package. */
const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../cli/main.ts' : '../../cli/main.js', import.meta.url),
);
/**
 * Before the command line: on a signal the server collects its garbage, since what a heap has not
 * yet given back is nobody's harm; and it goes with whoever has started it. Its threads run this,
 * too, and leave it to the main one.
 */
const PRELOADED = `
import { isMainThread } from 'node:worker_threads';
if (isMainThread) {
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 2; i++) gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  });
  process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume().unref();
}`;
const NODE_FLAGS = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(PRELOADED)}`];
const END_MS = 20_000;
const STDERR_CHARS = 4000;

/** `seuss serve` in a process of its own, as in service: attackers and clients meet it over HTTP alone. */
export class Server implements ServerAddress {
  readonly url: string;
  readonly key: string;
  readonly #child: ChildProcess;
  readonly #said: () => string;

  private constructor(child: ChildProcess, address: ServerAddress, said: () => string) {
    this.#child = child;
    this.url = address.url;
    this.key = address.key;
    this.#said = said;
  }

  /** @throws PlatformError `bench_failed` with what the server said */
  static async start({ memory, as }: ServerOptions = {}): Promise<Server> {
    const args = ['serve', '--port', '0', '--no-store', '--json', ...(memory ? ['--memory', memory] : [])];
    const child = spawn(process.execPath, [...process.execArgv, ...NODE_FLAGS, MAIN, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(as && { uid: as.uid, gid: as.gid }),
      env: { ...process.env, ...(as && { SEUSS_HOME: as.home }) },
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-STDERR_CHARS);
    });
    const ended = once(child, 'exit').then(() => undefined);
    const line = await Promise.race([firstLine(child), ended]);
    if (line === undefined) throw new PlatformError('bench_failed', `the server did not start: ${said}`);
    return new Server(child, announced.parse(JSON.parse(line)), () => said);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it wrote to stderr. */
  get said(): string {
    return this.#said();
  }

  /** Has it collect its garbage; when that is done it answers again. */
  collectGarbage(): void {
    this.#child.kill('SIGUSR2');
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, 'exit');
    const giveUp = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    this.#child.kill('SIGTERM');
    await exited;
    clearTimeout(giveUp);
  }
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}
