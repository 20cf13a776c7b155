// Worker threads: messages, shared memory, Atomics.wait, transfer, errors, termination.
import { once } from 'node:events';
import { isMainThread, MessageChannel, parentPort, threadId, Worker, workerData } from 'node:worker_threads';

const tasks = {
  wait({ shared, index }) {
    const words = new Int32Array(shared);
    Atomics.wait(words, 0, 0);
    parentPort.postMessage(Atomics.add(words, 1, index));
  },
  spin({ shared }) {
    const words = new Int32Array(shared);
    while (Atomics.load(words, 0) === 0);
    parentPort.postMessage('released');
  },
  channel({ port }) {
    port.on('message', ({ buffer }) => {
      port.postMessage(new Uint8Array(buffer).reduce((sum, byte) => sum + byte, 0));
      port.close();
    });
  },
  fail() {
    throw new RangeError('in the worker');
  },
  exit() {
    process.exit(7);
  },
  forever() {
    for (;;);
  },
  async import() {
    const { createHash } = await import('node:crypto');
    parentPort.postMessage([createHash('sha1').update('x').digest('hex'), threadId > 0, isMainThread]);
  },
};

if (isMainThread) {
  const start = (task, data = {}, transferList = []) =>
    new Worker(new URL(import.meta.url), { workerData: { task, ...data }, transferList });

  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  const waiters = [1, 2, 3].map((index) => start('wait', { shared, index }));
  await Promise.all(waiters.map((worker) => once(worker, 'online')));
  const replies = Promise.all(waiters.map((worker) => once(worker, 'message')));
  await new Promise((resolve) => setTimeout(resolve, 20));
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  await replies;
  console.log('sum', words[1]);

  const lock = new SharedArrayBuffer(4);
  const spinner = start('spin', { shared: lock });
  await once(spinner, 'online');
  await new Promise((resolve) => setTimeout(resolve, 20));
  Atomics.store(new Int32Array(lock), 0, 1);
  console.log((await once(spinner, 'message'))[0]);

  const { port1, port2 } = new MessageChannel();
  start('channel', { port: port2 }, [port2]);
  const { buffer } = new Uint8Array(100_000).fill(3);
  port1.postMessage({ buffer }, [buffer]);
  console.log((await once(port1, 'message'))[0], buffer.byteLength);

  console.log((await once(start('fail'), 'error'))[0].message);
  console.log('exit', (await once(start('exit'), 'exit'))[0]);
  const endless = start('forever');
  await once(endless, 'online');
  console.log('terminated', await endless.terminate());
  console.log((await once(start('import'), 'message'))[0]);
} else {
  await tasks[workerData.task](workerData);
}
