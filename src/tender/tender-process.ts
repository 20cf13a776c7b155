import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Optimisation, PlatformError } from '../node/types.ts';
import { allowedCpus } from './host-cpus.ts';
import { Tender } from './tender.ts';

export interface TenderProcessOptions {
  readonly tenderPath: string;
  readonly libosPath: string;
  /** So many tenders, each bound to a CPU; more than there are CPUs share them. */
  readonly cores: number;
  /** Bind this thread to the first core: a message to a UC there then wakes no sleeping core. */
  readonly bindNode: boolean;
  /** Optimisations that it leaves out. */
  readonly without: readonly TenderOptimisation[];
}

/** Those of a node's optimisations that are the tender's, as its option `--without` names them. */
export const TENDER_OPTIMISATIONS = [
  'templates',
  'working-set',
  'unchanged',
] as const satisfies Optimisation[];
export type TenderOptimisation = (typeof TENDER_OPTIMISATIONS)[number];

const STDERR_KEPT_BYTES = 4096;
const CLOSE_GRACE_MS = 2000;
/** Control sockets follow the standard descriptors. */
const FIRST_CONTROL_FD = 3;

/** The host program that holds all UCs of a node: one process tree, one connection per core. */
export class TenderProcess {
  readonly tenders: readonly Tender[];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #stderr = '';
  #closing = false;

  /** @throws PlatformError `not_built`, `tender_died`, `tender_version` */
  static async start(options: TenderProcessOptions): Promise<TenderProcess> {
    for (const path of [options.tenderPath, options.libosPath]) {
      if (!existsSync(path)) {
        throw new PlatformError('not_built', `${path} is not built`, { remedy: 'run: npm run build' });
      }
    }
    const started = new TenderProcess(options);
    try {
      await Promise.all(started.tenders.map((tender) => tender.greet()));
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  private constructor(options: TenderProcessOptions) {
    const sockets = Array.from({ length: options.cores }, () => 'pipe' as const);
    const allowed = allowedCpus();
    const cpus = sockets.map((_, index) => allowed[index % allowed.length]);
    const args = ['--libos', options.libosPath, '--cpus', cpus.join(',')];
    if (options.bindNode) args.push('--bind-node', '1');
    if (options.without.length > 0) args.push('--without', options.without.join(','));
    const child = spawn(options.tenderPath, args, {
      stdio: ['ignore', 'inherit', 'pipe', ...sockets],
    });
    this.#child = child;
    this.tenders = sockets.map((_, index) => new Tender(controlSocket(child, index)));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_BYTES);
    });
    child.on('error', (error) => {
      this.#fail(`the tender did not start: ${error.message}`, error);
      resolve();
    });
    child.on('close', (code, signal) => {
      this.#fail(
        `the tender ended (${signal ?? `status ${code}`})${this.#stderr && `: ${this.#stderr.trim()}`}`,
      );
      resolve();
    });
  }

  /** Ends the connections; the tender then kills every UC and exits. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#fail('the node was closed');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #fail(message: string, cause?: unknown): void {
    const code = this.#closing ? 'closed' : 'tender_died';
    const error = new PlatformError(code, message, cause === undefined ? {} : { cause });
    for (const tender of this.tenders) {
      tender.fail(error);
    }
  }
}

function controlSocket(child: ChildProcess, index: number): Socket {
  const socket = child.stdio[FIRST_CONTROL_FD + index];
  if (!(socket instanceof Socket)) {
    throw new PlatformError('tender_died', 'no socket to the tender could be made');
  }
  return socket;
}
