import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Attacker } from './attacker.ts';
import type { ServerAddress } from './http-client.ts';

/** What the honest clients are to do. */
export interface HonestOrder {
  /** So many requests, all clients together; without it they go on until they are told to stop. */
  readonly count?: number;
  /** Between two requests of a client. */
  readonly intervalMs: number;
}

/** What honest clients met with. */
export interface Beside {
  /** Milliseconds. */
  readonly latencies: readonly number[];
  /** Answers that did not come, or were wrong. */
  readonly lost: number;
  /** The first of them. */
  readonly told: readonly string[];
}

export const CLIENTS = 4;
const INTERVAL_MS = 25;
const TIMEOUT_MS = 60_000;
/** As many as there are records of activations: afterwards none of an attacker's is among them. */
const RECORDS = 10_000;

const FUNCTIONS = {
  'honest-nodejs': {
    kind: 'nodejs:24',
    code: { source: 'exports.main = ({ n }) => ({ n });' },
    timeoutMs: TIMEOUT_MS,
  },
  'honest-python': {
    kind: 'python:3.11',
    code: { source: 'def main(args):\n    return {"n": args["n"]}\n' },
    timeoutMs: TIMEOUT_MS,
  },
} as const;

/** Four clients of honest functions, in both languages, in a thread of their own. */
export class Honest {
  readonly #worker: Worker;
  readonly #owner: Attacker;

  private constructor(worker: Worker, owner: Attacker) {
    this.#worker = worker;
    this.#owner = owner;
  }

  /** @param timeoutMs an answer that takes longer is lost */
  static async start(server: ServerAddress, timeoutMs = TIMEOUT_MS): Promise<Honest> {
    const owner = new Attacker(server, { name: 'honest' });
    const file = import.meta.url.endsWith('.ts') ? './honest-client.ts' : './honest-client.js';
    const { url, key } = server;
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: { server: { url, key }, functions: Object.keys(FUNCTIONS), clients: CLIENTS, timeoutMs },
    });
    const honest = new Honest(worker, owner);
    await honest.arrive();
    return honest;
  }

  /** Creates the functions. */
  async arrive(): Promise<void> {
    for (const [name, each] of Object.entries(FUNCTIONS)) await this.#owner.create(name, each);
  }

  /**
   * Deletes them: their contexts grow and shrink by themselves, which is not to be seen beside what
   * is left of an attack.
   */
  async retreat(): Promise<void> {
    for (const name of Object.keys(FUNCTIONS)) await this.#owner.remove(name);
  }

  /** At the pace of clients that are never all waiting, for as long as `work` takes. */
  async beside<T>(work: () => Promise<T>): Promise<{ readonly beside: Beside; readonly done: T }> {
    const answer = this.#order({ intervalMs: INTERVAL_MS });
    try {
      const done = await work();
      this.#worker.postMessage('stop');
      return { beside: await answer, done };
    } catch (error) {
      this.#worker.postMessage('stop');
      await answer;
      throw error;
    }
  }

  /** As fast as they can, until the node has forgotten what it had answered before. */
  async fillRecords(): Promise<Beside> {
    return await this.#order({ count: RECORDS, intervalMs: 0 });
  }

  async #order(order: HonestOrder): Promise<Beside> {
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    return (await answer)[0] as Beside;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    await this.#owner.leave().catch(() => undefined);
  }
}
