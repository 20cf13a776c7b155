import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { PlatformError } from '../contract/errors.ts';
import type { Optimisation } from '../contract/options.ts';
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
  /** What a snapshot with a parent may store. */
  readonly captureMaxBytes?: number;
  /** Optimisations that it leaves out. */
  readonly without: readonly TenderOptimisation[];
}

/** Those of a node's optimisations that are the tender's, as its option `--without` names them. */
export const TENDER_OPTIMISATIONS = [
  'templates',
  'working-set',
  'unchanged',
] as const satisfies Optimisation[];
type TenderOptimisation = (typeof TENDER_OPTIMISATIONS)[number];

/** The end of what a tender said, for the report of its death. */
const STDERR_KEPT_BYTES = 4096;
/** A tender that is told to close has so long to end its contexts. */
const CLOSE_GRACE_MS = 2000;
/** A host that is that busy runs no function in time either. */
const START_MS = 10_000;
/** Added to each limit. */
const LATE_MS = 1000;

/** Name of the memory cgroup that UCs of all tenders of this process share. */
const MEMORY_GROUP = `seuss-${randomBytes(8).toString('hex')}`;

/** One tender, with the processes around it. It holds the UCs of one core, and ends alone. */
export class TenderProcess {
  readonly tender: Tender;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #index: number;
  #stderr = '';
  #closing = false;

  /**
   * @param peersPath where the others of the node, if there are any, will find it
   * @throws PlatformError `not_built`, `tender_died`, `tender_version`
   */
  static async start(
    options: TenderProcessOptions,
    index: number,
    peersPath?: string,
  ): Promise<TenderProcess> {
    for (const path of [options.tenderPath, options.libosPath]) {
      if (!existsSync(path)) {
        throw new PlatformError('not_built', `${path} is not built`, { remedy: 'run: npm run build' });
      }
    }
    const started = new TenderProcess(options, index, peersPath, await connectControl());
    try {
      await started.within(START_MS, started.tender.greet());
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  private constructor(
    {
      tenderPath,
      libosPath,
      cores,
      bindNode,
      memoryMaxBytes,
      captureMaxBytes,
      without,
    }: TenderProcessOptions,
    index: number,
    peersPath: string | undefined,
    { near, far }: ControlPair,
  ) {
    const cpus = allowedCpus();
    const cpu = cpus[index % cpus.length];
    const args = ['--libos', libosPath, '--cpu', `${cpu}`, '--index', `${index}`, '--count', `${cores}`];
    if (peersPath !== undefined) args.push('--peers', peersPath);
    if (bindNode && index === 0) args.push('--bind-node', '1');
    if (memoryMaxBytes !== undefined) {
      args.push('--memory-max', `${memoryMaxBytes}`, '--memory-group', MEMORY_GROUP);
    }
    if (captureMaxBytes !== undefined) args.push('--capture-max', `${captureMaxBytes}`);
    if (without.length > 0) args.push('--without', without.join(','));
    // The control socket follows the standard descriptors.
    const child = spawn(tenderPath, args, { stdio: ['ignore', 'inherit', 'pipe', far] });
    this.#child = child;
    this.#index = index;
    this.tender = new Tender(near);
    far.destroy();
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
      const end = signal === null ? `status ${code}` : `killed by ${signal}`;
      this.#fail(`the tender of core ${index} ended (${end})${this.#stderr && `: ${this.#stderr.trim()}`}`);
      resolve();
    });
  }

  /**
   * The result of something that the tender does at once when it is in order. It is killed when it
   * takes longer.
   * @throws PlatformError `tender_died`
   */
  async within<T>(limitMs: number, work: Promise<T>): Promise<T> {
    const giveUp = (): void => {
      this.#fail(`the tender of core ${this.#index} has not answered for ${limitMs + LATE_MS} ms`);
      this.#child.kill('SIGKILL');
    };
    // This process may have been stopped itself: then what has come meanwhile is read first.
    let timer = setTimeout(() => {
      timer = setTimeout(giveUp, LATE_MS).unref();
    }, limitMs).unref();
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection; the tender then kills every UC and exits. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#fail('the node was closed');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #fail(message: string, cause?: unknown): void {
    const code = this.#closing ? 'closed' : 'tender_died';
    this.tender.fail(new PlatformError(code, message, cause === undefined ? {} : { cause }));
  }
}
