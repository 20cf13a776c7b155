/**
 * The thread that runs a target. It says what it is about to try, so that the input is known even
 * of one that never ends.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { HEAD_BYTES, type Job } from './job.ts';
import { mutate, Series } from './mutate.ts';
import { TARGETS } from './targets/index.ts';

const PROGRESS_MS = 10_000;

const { target: name, seconds, seed, inputs, shared } = workerData as Job;
const numbers = new Int32Array(shared, 0, 2);
const current = new Uint8Array(shared, HEAD_BYTES);

async function run(): Promise<number> {
  const target = await (TARGETS[name] as (typeof TARGETS)[string])();
  const attempt = async (input: Buffer): Promise<void> => {
    current.set(input.subarray(0, current.length));
    numbers[1] = Math.min(input.length, current.length);
    Atomics.add(numbers, 0, 1);
    await target.one(input);
  };
  try {
    if (inputs.length > 0) for (const input of inputs) await attempt(Buffer.from(input));
    else await search(await target.seeds(), attempt);
  } finally {
    await target.close?.();
  }
  return numbers[0] as number;
}

async function search(seeds: readonly Buffer[], attempt: (input: Buffer) => Promise<void>): Promise<void> {
  const series = new Series(seed);
  const end = performance.now() + seconds * 1000;
  let told = performance.now();
  for (const input of seeds) await attempt(input);
  while (performance.now() < end) {
    await attempt(mutate(series.of(seeds), seeds, series));
    if (performance.now() - told > PROGRESS_MS) {
      told = performance.now();
      parentPort?.postMessage({ done: numbers[0] });
    }
  }
}

run().then(
  (done) => parentPort?.postMessage({ ended: done }),
  (error: unknown) =>
    parentPort?.postMessage({ failed: error instanceof Error ? error.stack : String(error) }),
);
