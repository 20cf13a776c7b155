import { extname } from 'node:path';
import { type Transferable, Worker } from 'node:worker_threads';
import { PlatformError } from '../contract/errors.ts';
import type { Answer } from './serve-jobs.ts';

interface WorkerThreadOptions {
  /** Module that calls `serveJobs`, without its ending. */
  readonly entry: URL;
  /** What it does, for messages: `the packaging of code`. */
  readonly title: string;
  /** Jobs that may wait. */
  readonly queueMax: number;
  /** For one job, from its turn on. */
  readonly deadlineMs: number;
  readonly heapMb: number;
}

/** Why a job has no result; the thread is another one afterwards. */
export class JobLostError extends Error {
  override readonly name = 'JobLostError';
  readonly reason: 'deadline' | 'memory' | 'crash';

  constructor(reason: JobLostError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

interface Job {
  readonly request: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Without a job for so long the thread ends. */
const IDLE_MS = 20_000;

/**
 * A thread for work that would hold up the node's own: one job at a time, each within a deadline.
 * It is made on first use, keeps the process alive only while it has a job, and is replaced when a
 * job overruns it.
 */
export class WorkerThread<Request, Result> {
  readonly #options: WorkerThreadOptions;
  readonly #queue: Job[] = [];
  #current: Job | undefined;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WorkerThreadOptions) {
    this.#options = options;
  }

  /**
   * @param transfer buffers in the request that the caller gives away
   * @throws PlatformError `overloaded`, and what the job throws; JobLostError
   */
  async run(request: Request, transfer: readonly Transferable[] = []): Promise<Result> {
    if (this.#queue.length >= this.#options.queueMax) {
      throw new PlatformError('overloaded', `${this.#options.title} has too much to do`, {
        remedy: 'Try again later.',
      });
    }
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#queue.push({ request, transfer, resolve, reject });
      this.#next();
    });
    if (answer.type === 'done') return answer.result as Result;
    const { code, message, remedy } = answer;
    throw code === undefined
      ? new Error(message)
      : new PlatformError(code, message, remedy === undefined ? {} : { remedy });
  }

  /** Makes the thread, for jobs that come later. False: there is one. */
  wake(): boolean {
    if (this.#worker !== undefined) return false;
    this.#worker = this.#start();
    this.#worker.unref();
    this.#next();
    return true;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    clearTimeout(this.#timer);
    const job = this.#queue.shift();
    if (job === undefined) {
      this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref();
      return;
    }
    this.#current = job;
    this.#timer = setTimeout(() => this.#overrun(), this.#options.deadlineMs).unref();
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(job.request, job.transfer);
  }

  #start(): Worker {
    const { entry, heapMb } = this.#options;
    const worker = new Worker(new URL(`${entry.href}${extname(import.meta.url)}`), {
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
      stdin: false,
    });
    worker.on('message', (answer: Answer) => this.#settle((job) => job.resolve(answer)));
    worker.once('error', (error: NodeJS.ErrnoException) => this.#lost(worker, error));
    worker.once('exit', () => this.#lost(worker, undefined));
    return worker;
  }

  #overrun(): void {
    this.#end();
    const { title, deadlineMs } = this.#options;
    const error = new JobLostError('deadline', `${title} took more than ${deadlineMs} ms`);
    this.#settle((job) => job.reject(error));
  }

  #lost(worker: Worker, cause: NodeJS.ErrnoException | undefined): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const { title } = this.#options;
    const memory = cause?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const error = memory
      ? new JobLostError('memory', `${title} needs more memory than it may take`, cause)
      : new JobLostError('crash', `${title} broke off`, cause);
    this.#settle((job) => job.reject(error));
  }

  #settle(tell: (job: Job) => void): void {
    const job = this.#current;
    this.#current = undefined;
    this.#worker?.unref();
    if (job !== undefined) tell(job);
    this.#next();
  }

  #end(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate();
  }
}
