import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Optimisation, PlatformError } from '../node/types.ts';
import { type ControlPair, connectControl } from './control-socket.ts';
import { allowedCpus } from './host-cpus.ts';
import { Tender } from './tender.ts';

export interface TenderProcessOptions {
  readonly tenderPath: string;
  readonly libosPath: string;
  /** So many tenders, each bound to a CPU; more than there are CPUs share them. */
  readonly cores: number;
  /** Bind this thread to the first core: a message to a UC there then wakes no sleeping core. */
  readonly bindNode: boolean;
  /** What all UCs may take together by a memory cgroup of their own, where the host lets one be made. */
  readonly memoryMaxBytes?: number;
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
    const pairs = await Promise.all(Array.from({ length: options.cores }, connectControl));
    const started = new TenderProcess(options, pairs);
    try {
      await Promise.all(started.tenders.map((tender) => tender.greet()));
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  private constructor(options: TenderProcessOptions, pairs: readonly ControlPair[]) {
    const allowed = allowedCpus();
    const cpus = pairs.map((_, index) => allowed[index % allowed.length]);
    const args = ['--libos', options.libosPath, '--cpus', cpus.join(',')];
    if (options.bindNode) args.push('--bind-node', '1');
    if (options.memoryMaxBytes !== undefined) args.push('--memory-max', String(options.memoryMaxBytes));
    if (options.without.length > 0) args.push('--without', options.without.join(','));
    // Control sockets follow the standard descriptors.
    const child = spawn(options.tenderPath, args, {
      stdio: ['ignore', 'inherit', 'pipe', ...pairs.map(({ far }) => far)],
    });
    this.#child = child;
    this.tenders = pairs.map(({ near }) => new Tender(near));
    for (const { far } of pairs) far.destroy();
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
