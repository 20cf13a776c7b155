/**
 * A thread with clients of honest functions: what an attack does to the bench's own thread must not
 * count.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Beside, HonestOrder } from './honest.ts';
import { HttpClient, type ServerAddress } from './http-client.ts';

const ACTIONS = '/api/v1/namespaces/_/actions';
/** Of answers that were lost, so many are told. */
const TOLD = 5;

const { server, functions, clients, timeoutMs } = workerData as {
  readonly server: ServerAddress;
  readonly functions: readonly string[];
  readonly clients: number;
  readonly timeoutMs: number;
};
const http = new HttpClient(server);
let asked = 0;

async function ask(name: string): Promise<string | undefined> {
  asked += 1;
  const n = asked;
  try {
    const path = `${ACTIONS}/${name}?blocking=true&result=true`;
    const { status, text } = await http.call('POST', path, { body: `{"n":${n}}`, timeoutMs });
    if (status === 200 && (JSON.parse(text) as { n?: unknown }).n === n) return undefined;
    return `${name} answered ${status} ${text.slice(0, 200)}`;
  } catch (error) {
    return `${name} did not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Each client asks at fixed times. One that is still waiting then asks as soon as it can, and its
 * answer counts from when it would have asked: a stop of a second is felt by all who come in that
 * second.
 */
async function client(
  index: number,
  order: HonestOrder,
  done: () => boolean,
  beside: Mutable,
): Promise<void> {
  const name = functions[index % functions.length] as string;
  const begun = performance.now();
  for (let number = 0; !done(); number++) {
    const due = begun + number * order.intervalMs;
    const early = due - performance.now();
    if (early > 0) await pause(early);
    const from = early > 0 ? performance.now() : due;
    const lost = await ask(name);
    beside.latencies.push(performance.now() - from);
    if (lost !== undefined) {
      beside.lost += 1;
      if (beside.told.length < TOLD) beside.told.push(lost);
    }
  }
}

interface Mutable {
  readonly latencies: number[];
  lost: number;
  readonly told: string[];
}

let stopped = false;

async function carryOut(order: HonestOrder): Promise<Beside> {
  const beside: Mutable = { latencies: [], lost: 0, told: [] };
  let left = order.count ?? Number.POSITIVE_INFINITY;
  stopped = false;
  const done = (): boolean => stopped || left-- <= 0;
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index, order, done, beside)));
  return beside;
}

parentPort?.on('message', (order: HonestOrder | 'stop') => {
  if (order === 'stop') stopped = true;
  else void carryOut(order).then((beside) => parentPort?.postMessage(beside));
});
