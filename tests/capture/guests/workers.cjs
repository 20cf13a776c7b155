'use strict';
/* Worker threads: messages, shared memory, locks. */
const { createHash } = require('node:crypto');
const { writeSync } = require('node:fs');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');

const STEPS = 24;
const WORKERS = 2;

function work() {
  const { createHash } = require('node:crypto');
  const { parentPort, workerData } = require('node:worker_threads');
  const { lock, sums } = workerData;
  parentPort.on('message', ({ step, index }) => {
    let state = step * 7919 + index;
    for (let i = 0; i < 40_000; i++) {
      state = (Math.imul(state, 69069) + 1) | 0;
      if (i % 4000 === 0) {
        while (Atomics.compareExchange(lock, 0, 0, 1) !== 0) Atomics.wait(lock, 0, 1, 5);
        sums[0] = (sums[0] + (state >>> 8)) >>> 0;
        Atomics.store(lock, 0, 0);
        Atomics.notify(lock, 0, 1);
      }
    }
    parentPort.postMessage(createHash('sha1').update(`${state}`).digest('hex'));
  });
}

async function main() {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const sums = new Uint32Array(new SharedArrayBuffer(4));
  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(`(${work})()`, { eval: true, workerData: { lock, sums } }),
  );
  for (let step = 0; step < STEPS; step++) {
    const answers = workers.map((worker, index) => {
      worker.postMessage({ step, index });
      return once(worker, 'message');
    });
    const text = (await Promise.all(answers)).flat().join();
    writeSync(1, `${step} ${createHash('sha256').update(`${text} ${sums[0]}`).digest('hex')}\n`);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
}

main();
