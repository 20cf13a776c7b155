'use strict';
/* Data in flight: loopback TCP, files of /tmp through the thread pool, timers. */
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const { writeSync } = require('node:fs');
const { mkdtemp, open, readFile, rm } = require('node:fs/promises');
const net = require('node:net');
const { setTimeout: pause } = require('node:timers/promises');

const STEPS = 24;
const BYTES = 200_000;

function pattern(step) {
  const data = Buffer.alloc(BYTES);
  for (let i = 0, state = step; i < BYTES; i += 4) {
    state = (Math.imul(state, 22695477) + 1) | 0;
    data.writeInt32LE(state, i);
  }
  return data;
}

async function echo(port, data) {
  const socket = net.connect(port, '127.0.0.1');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  for (let at = 0; at < data.length; at += 30_000) socket.write(data.subarray(at, at + 30_000));
  socket.end();
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

async function main() {
  const server = net.createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dir = await mkdtemp('/tmp/s-');
  let order = '';
  for (let step = 0; step < STEPS; step++) {
    const data = pattern(step);
    const file = await open(`${dir}/${step}`, 'w+');
    const [first, second] = await Promise.all([
      echo(server.address().port, data),
      echo(server.address().port, data.subarray(step)),
      file.writeFile(data.subarray(0, 90_000)),
      pause(step % 3).then(() => setImmediate(() => (order += step))),
    ]);
    await file.close();
    const stored = await readFile(`${dir}/${step}`);
    const hash = createHash('sha256')
      .update(first)
      .update(second)
      .update(stored)
      .update(String(order.length > step));
    writeSync(1, `${step} ${hash.digest('hex')}\n`);
  }
  await rm(dir, { recursive: true });
  server.close();
}

main();
