/**
 * Clones of one snapshot of Node.js: what must differ, and what must be as if time had passed.
 * A test for each hazard of docs/reference/security.md.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, sourceAction } from '../support/actions.ts';
import {
  answerAfterGap,
  answersOfClones,
  assertAllDiffer,
  assertClonesDiffer,
  assertStartsDiffer,
  CLOCK_SLACK_MS,
  CLONES,
} from '../support/clones.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS], without: ['recapture'] });
});
after(() => node?.close());

describe('clones of a Node.js function', () => {
  it('draw their own Math.random', () =>
    assertClonesDiffer(node, NODEJS, 'Math.random(); exports.main = () => ({ math: Math.random() });'));

  it('draw their own Math.random in contexts of node:vm, old and new', () =>
    assertClonesDiffer(
      node,
      NODEJS,
      `const vm = require('vm');
       const old = vm.createContext(), script = new vm.Script('Math.random()');
       const draw = () => ({ old: script.runInContext(old), fresh: vm.runInNewContext('Math.random()'),
         script: script.runInNewContext(),
         vanilla: vm.runInContext('Math.random()', vm.createContext(vm.constants.DONT_CONTEXTIFY)) });
       draw();
       exports.main = draw;`,
    ));

  for (const when of ['old', 'new']) {
    it(`draw their own randomness in worker threads, ${when}`, () =>
      assertClonesDiffer(
        node,
        NODEJS,
        `const { Worker } = require('worker_threads');
       const start = () => new Worker(\`
         const { parentPort } = require('worker_threads'); const crypto = require('crypto');
         const draw = () => ({
           math: Math.random(), uuid: crypto.randomUUID(), bytes: crypto.randomBytes(8).toString('hex'),
           pid: process.pid });
         draw();
         parentPort.on('message', () => parentPort.postMessage(draw()));\`, { eval: true });
       const ask = (worker) => new Promise((resolve) => {
         worker.once('message', resolve);
         worker.postMessage(0);
       });
       const old = ${when === 'old' ? 'start()' : 'undefined'};
       exports.main = () => ask(old ?? start());`,
      ));
  }

  it('draw their own values of node:crypto and Web Crypto', () =>
    assertClonesDiffer(
      node,
      NODEJS,
      `const crypto = require('crypto'); const web = globalThis.crypto;
       const draw = () => ({
         uuid: crypto.randomUUID(), uuid7: crypto.randomUUIDv7?.() ?? crypto.randomUUID(),
         web: web.randomUUID(), int: crypto.randomInt(2 ** 47),
         bytes: crypto.randomBytes(16).toString('hex'), values: [...web.getRandomValues(new Uint32Array(4))],
         pair: crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x,
         prime: String(crypto.generatePrimeSync(64, { bigint: true })),
         key: crypto.generateKeySync('hmac', { length: 64 }).export().toString('hex') });
       draw();
       exports.main = async () => ({ ...draw(),
         later: await new Promise((resolve) => crypto.randomBytes(8, (_, b) => resolve(b.toString('hex')))),
         subtle: Buffer.from(await web.subtle.exportKey('raw',
           await web.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt'])
         )).toString('hex') });`,
    ));

  it('renew random bytes that packages have in stock, few that tell clones apart, and no keys', async () => {
    const action = sourceAction(
      NODEJS,
      `const crypto = require('crypto');
       const stocks = {
         sync: crypto.randomFillSync(new Uint8Array(256)),
         web: globalThis.crypto.getRandomValues(Buffer.alloc(2688)),
         pool: crypto.randomFillSync(Buffer.alloc(8192)) };
       const key = crypto.randomFillSync(Buffer.alloc(64)), own = crypto.randomBytes(5);
       const slice = ([name, bytes]) => [name, bytes.subarray(128, 144).join()];
       exports.main = () => ({
         own: own.toString('hex'), KEY: key.toString('hex'),
         ...Object.fromEntries(Object.entries(stocks).map(slice)) });`,
    );
    const answers = await answersOfClones(node, action, CLONES);
    assert.equal(new Set(answers.map(({ KEY }) => KEY)).size, 1);
    assertAllDiffer(answers.map(({ KEY, ...rest }) => rest));
    await node.forget(action);
  });

  it('have TLS material of their own', () =>
    assertClonesDiffer(
      node,
      NODEJS,
      `const tls = require('tls'); const { once } = require('events');
       const key = Buffer.alloc(16, 1), ciphers = 'PSK', maxVersion = 'TLSv1.2';
       const handshake = async () => {
         const server = tls.createServer({ pskCallback: () => key, ciphers, maxVersion }).listen(0);
         await once(server, 'listening');
         const client = tls.connect({
           port: server.address().port, pskCallback: () => ({ psk: key, identity: 'x' }),
           checkServerIdentity: () => undefined, ciphers, maxVersion });
         const [[accepted]] = await Promise.all(
           [once(server, 'secureConnection'), once(client, 'secureConnect')]);
         const material = {
           finished: client.getFinished().toString('hex'), ticketKeys: server.getTicketKeys().toString('hex'),
           exported: client.exportKeyingMaterial(16, 'label', Buffer.alloc(0)).toString('hex') };
         client.destroy(); accepted.destroy(); server.close();
         return material;
       };
       const before = handshake();
       exports.main = async () => { await before; return handshake(); };`,
    ));

  it('read their own bytes from the kernel, and have ids and temporary names of their own', () =>
    assertClonesDiffer(
      node,
      NODEJS,
      `const fs = require('fs');
       const device = (path) => {
         const fd = fs.openSync(path);
         const b = Buffer.alloc(8);
         fs.readSync(fd, b);
         fs.closeSync(fd);
         return b.toString('hex');
       };
       const draw = () => ({
         urandom: device('/dev/urandom'), random: device('/dev/random'),
         proc: fs.readFileSync('/proc/sys/kernel/random/uuid', 'utf8'),
         pid: process.pid, link: fs.readlinkSync('/proc/self'), dir: fs.mkdtempSync('/tmp/x-') });
       draw();
       exports.main = draw;`,
    ));

  it('have the right time at once, and none goes back', async () => {
    const action = sourceAction(
      NODEJS,
      `const read = () => [Date.now(), performance.now(), Number(process.hrtime.bigint()), process.uptime()];
       const loaded = read();
       exports.main = async () => {
         const now = read();
         const drift = performance.timeOrigin + performance.now() - Date.now();
         await new Promise((resolve) => setTimeout(resolve, 30));
         const slept = performance.now() - now[1];
         return { now: now[0], forward: now.every((value, i) => value > loaded[i]), slept, drift };
       };`,
    );
    const { now, forward, slept, drift } = (await answerAfterGap(node, action)) as Record<string, number>;
    assert.equal(forward, true);
    assert.ok(Math.abs(Date.now() - (now ?? 0)) < CLOCK_SLACK_MS);
    assert.ok(Math.abs(drift ?? Number.NaN) < CLOCK_SLACK_MS);
    assert.ok((slept ?? 0) >= 29 && (slept ?? 0) < CLOCK_SLACK_MS, String(slept));
  });

  it('let timers that fell due fire once', async () => {
    const action = sourceAction(
      NODEJS,
      `let ticks = 0, shots = 0;
       setInterval(() => ticks++, 5); setTimeout(() => shots++, 10);
       exports.main = async () => {
         const before = ticks;
         for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
         const atOnce = ticks - before;
         await new Promise((resolve) => setTimeout(resolve, 20));
         return { atOnce, ticks, shots };
       };`,
    );
    const { atOnce, ticks, shots } = (await answerAfterGap(node, action)) as Record<string, number>;
    assert.ok((atOnce ?? 0) <= 2, String(atOnce));
    assert.ok((ticks ?? 0) > 0);
    assert.equal(shots, 1);
  });

  it('go on with connections inside of the context', async () => {
    const source = `import net from 'node:net'; import { once } from 'node:events';
      const echo = (socket) => socket.on('data', (data) => socket.write('echo ' + data));
      const server = net.createServer(echo).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = net.connect(server.address().port, '127.0.0.1');
      await once(client, 'connect');
      export async function main() {
        client.write(String(process.pid));
        const [data] = await once(client, 'data');
        return { echo: data.toString(), pid: process.pid };
      }`;
    const action = sourceAction(NODEJS, source, { code: { type: 'source', source, filename: 'index.mjs' } });
    for (const { echo, pid } of await answersOfClones(node, action, CLONES)) {
      assert.equal(echo, `echo ${pid}`);
    }
    await node.forget(action);
  });

  it('say nothing again that was said before', async () => {
    const action = sourceAction(
      NODEJS,
      `process.stdout.write('unfinished'); console.log(' line'); process.stderr.write('partial');
       exports.main = () => { console.log('run'); return {}; };`,
    );
    for (let clone = 0; clone < CLONES; clone++) {
      const { logs } = await node.invoke(action, {});
      const lines = logs.map(({ line }) => line);
      assert.deepEqual(clone === 0 ? lines.slice(-1) : lines, ['run']);
      await node.dropIdle(action);
    }
    await node.forget(action);
  });
});

describe('a context that is put back to its snapshot, and clones of a captured run', () => {
  it(`draw values of their own (${NODEJS})`, () =>
    assertStartsDiffer(
      node,
      NODEJS,
      `const crypto = require('crypto'); const vm = require('vm'); const { checkpoint } = require('seuss');
       const old = vm.createContext();
       const stock = crypto.randomFillSync(new Uint8Array(256));
       const draw = () => ({
         math: Math.random(), vm: vm.runInContext('Math.random()', old), uuid: crypto.randomUUID(),
         bytes: crypto.randomBytes(8).toString('hex'), pid: process.pid,
         stock: stock.subarray(0, 16).join() });
       exports.main = (params) => { if (params.half) checkpoint(params); return draw(); };`,
    ));
});
