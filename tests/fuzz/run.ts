/**
 * `node tests/fuzz/run.ts TARGET [--seconds N] [--seed S] [--out DIR] [FILE…]`: as the programs in
 * C, see fuzz.c.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { HEAD_BYTES, type Job } from './job.ts';

const INPUT_BYTES = 1 << 20;
/** An input that takes so long hangs. */
const HANG_MS = 20_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: '.' },
  },
});
const [target = '', ...files] = positionals;
const shared = new SharedArrayBuffer(HEAD_BYTES + INPUT_BYTES);
const numbers = new Int32Array(shared, 0, 2);
const job: Job = {
  target,
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  inputs: files.map((file) => readFileSync(file)),
  shared,
};

function fail(why: string): never {
  const input = Buffer.from(shared, HEAD_BYTES, numbers[1]);
  const path = join(values.out, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 16)}`);
  writeFileSync(path, input);
  console.error(`${why}\ninput ${numbers[0]} failed and is kept: ${path}`);
  process.exit(1);
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: job });
worker.on('error', (error) => fail(error.stack ?? error.message));
worker.on('message', (message: { done?: number; ended?: number; failed?: string }) => {
  if (message.failed !== undefined) fail(message.failed);
  console.log(`${target}: ${message.done ?? message.ended} inputs`);
  if (message.ended !== undefined) process.exit(0);
});
let last = -1;
setInterval(() => {
  const begun = Atomics.load(numbers, 0);
  if (begun === last) fail(`an input has taken ${HANG_MS / 1000} seconds`);
  last = begun;
}, HANG_MS);
