import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Assault, AssaultOrder } from './assault.ts';
import type { Attack } from './attack.ts';
import type { AttackerOrder, AttackerReport } from './attacker-client.ts';
import type { ServerAddress } from './http-client.ts';

/** An attacker in a thread of its own, behind all others where processors are scarce. */
export class AttackerThread {
  readonly #worker: Worker;

  constructor({ url, key }: ServerAddress, { name }: Pick<Attack, 'name'>) {
    const file = import.meta.url.endsWith('.ts') ? './attacker-client.ts' : './attacker-client.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: { server: { url, key }, name } });
  }

  /** Creates the attack's function, if it has one. */
  async prepare(): Promise<void> {
    await this.#order('prepare');
  }

  async assault(order: AssaultOrder): Promise<Assault> {
    return (await this.#order(order)) as Assault;
  }

  /** Deletes its actions, and ends. */
  async leave(): Promise<void> {
    try {
      await this.#order('leave');
    } finally {
      await this.stop();
    }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  async #order(order: AttackerOrder): Promise<unknown> {
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    const report = (await answer)[0] as AttackerReport;
    if ('failed' in report) throw new Error(report.failed);
    return report.done;
  }
}
