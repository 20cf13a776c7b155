'use strict';
/* What anticipation exercises, by the names of anticipations.json. Each leaves nothing open. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { driver } = require('./anticipated-conversations.cjs');

const PACKAGED = [
  'assert',
  'buffer',
  'dns',
  'events',
  'http',
  'https',
  'net',
  'os',
  'path',
  'perf_hooks',
  'querystring',
  'readline',
  'stream',
  'stream/web',
  'string_decoder',
  'timers',
  'tls',
  'tty',
  'url',
  'util',
  'worker_threads',
  'zlib',
];

function builtins() {
  for (const name of PACKAGED) require(`node:${name}`);
}

function text() {
  for (let i = 0; i < 200; i++) {
    const url = new URL(`https://user@example.com:8080/p/${i}?q=1&r=%20#h`);
    url.searchParams.append('x', 'é');
    new TextDecoder().decode(new TextEncoder().encode(url.href));
    Buffer.from(url.href).toString('base64');
    Buffer.from(Buffer.concat([Buffer.from('ff', 'hex'), Buffer.alloc(8)]).toString('latin1'), 'latin1');
    structuredClone({ a: [new Date(), new Map([[1, 2]])], b: /x/g });
    JSON.parse(JSON.stringify({ url, list: [1.5, null, 'ü'], at: new Date() }, null, 2));
    url.href
      .replace(/(\w+)@(\w+)/u, '$2')
      .split('/')
      .map(encodeURIComponent)
      .join('');
  }
}

function locale() {
  const at = new Date(0);
  at.toLocaleString();
  at.toLocaleDateString('en-US', { timeZone: 'UTC', dateStyle: 'full' });
  (1234.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' });
  ['b', 'a'].sort(new Intl.Collator().compare);
  'ß'.localeCompare('ss');
  'É'.normalize('NFD').toLowerCase();
}

function logging() {
  const { Console } = console;
  const { Writable } = require('node:stream');
  const { inspect, format } = require('node:util');
  const sink = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
  for (let i = 0; i < 100; i++) {
    sink.log('line %d of %s', i, 'text', { nested: { map: new Map([[1, { two: [3] }]]) } });
    sink.error(new Error('sample'));
    inspect({ date: new Date(), buffer: Buffer.alloc(4), fn: main }, { depth: 4 });
    format('%o %j', [], {});
  }
  process.stdout.write('');
  process.stderr.write('');
  function main() {}
}

async function timers() {
  const { setTimeout: sleep } = require('node:timers/promises');
  const { AsyncLocalStorage } = require('node:async_hooks');
  const { EventEmitter, once } = require('node:events');
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => process.nextTick(resolve));
    await new Promise((resolve) => queueMicrotask(resolve));
    await Promise.allSettled([sleep(1, null, { signal: AbortSignal.abort() }), sleep(0)]);
    const emitter = new EventEmitter();
    setImmediate(() => emitter.emit('done', i));
    await once(emitter, 'done');
    await new AsyncLocalStorage().run({ i }, async () => sleep(0));
  }
  const interval = setInterval(() => {}, 1);
  await sleep(2);
  clearInterval(interval);
  new EventTarget().dispatchEvent(new Event('x'));
  performance.now();
}

async function streams() {
  const { Readable, Transform } = require('node:stream');
  const { pipeline } = require('node:stream/promises');
  const zlib = require('node:zlib');
  const data = Buffer.from('sample text '.repeat(500));
  zlib.gunzipSync(zlib.gzipSync(data));
  zlib.inflateSync(zlib.deflateSync(data));
  zlib.brotliDecompressSync(
    zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  );
  for (let i = 0; i < 5; i++) {
    const pass = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
    await pipeline(Readable.from([data]), zlib.createGzip(), zlib.createGunzip(), pass, async (source) => {
      for await (const chunk of source) chunk.length;
    });
    await new Response(new Blob([data]).stream().pipeThrough(new TransformStream())).text();
  }
}

async function cryptography() {
  const crypto = require('node:crypto');
  const { promisify } = require('node:util');
  const key = Buffer.alloc(32, 1);
  for (let i = 0; i < 20; i++) {
    for (const name of ['sha256', 'sha1', 'sha512', 'md5']) crypto.createHash(name).update('x').digest('hex');
    crypto.createHmac('sha256', key).update('x').digest('base64');
    const cipher = crypto.createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
    Buffer.concat([cipher.update('x'), cipher.final()]);
    crypto.timingSafeEqual(crypto.randomBytes(16), crypto.getRandomValues(new Uint8Array(16)));
    await crypto.subtle.digest('SHA-256', key);
  }
  await promisify(crypto.pbkdf2)('password', 'salt', 10, 32, 'sha256');
  await promisify(crypto.scrypt)('password', 'salt', 32, { N: 16 });
}

async function files() {
  const dir = await fs.promises.mkdtemp(path.join(os.tmpdir(), 'anticipate-'));
  const file = path.join(dir, 'file');
  for (let i = 0; i < 10; i++) {
    await fs.promises.writeFile(file, 'text');
    await fs.promises.readFile(file, 'utf8');
    await fs.promises.readdir(dir, { withFileTypes: true });
    fs.readFileSync(file, 'utf8');
    fs.existsSync(file);
    for await (const chunk of fs.createReadStream(file)) chunk.length;
  }
  await fs.promises.rm(dir, { recursive: true });
}

function secureContext() {
  require('node:tls').createSecureContext();
}

/** Both ends of a connection over the UC's own loopback. A key that both know saves a certificate. */
async function handshake() {
  const tls = require('node:tls');
  const { once } = require('node:events');
  const psk = Buffer.alloc(16, 1);
  /* TLS 1.3 sends tickets after the handshake, for which the end would have to wait. */
  const common = { ciphers: 'PSK', maxVersion: 'TLSv1.2' };
  const server = tls.createServer({ ...common, pskCallback: () => psk });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  try {
    for (let i = 0; i < 3; i++) {
      const client = tls.connect({
        ...common,
        port,
        host: '127.0.0.1',
        pskCallback: () => ({ psk, identity: 'anticipation' }),
        checkServerIdentity: () => undefined,
      });
      const [[accepted]] = await Promise.all([
        once(server, 'secureConnection'),
        once(client, 'secureConnect'),
      ]);
      accepted.on('data', (data) => accepted.end(data));
      client.write('x');
      for await (const chunk of client) chunk.length;
    }
  } finally {
    server.close();
    await once(server, 'close');
  }
}

async function worker() {
  const { Worker } = require('node:worker_threads');
  const { once } = require('node:events');
  const thread = new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true });
  await once(thread, 'message');
  await thread.terminate();
}

/** Server, agent client, fetch and name resolution over the UC's own loopback. */
async function http() {
  const { createServer, request } = require('node:http');
  const { once } = require('node:events');
  const server = createServer((incoming, response) => {
    /* No connection may outlive this. */
    response.setHeader('connection', 'close');
    incoming.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  try {
    for (let i = 0; i < 10; i++) {
      const body = JSON.stringify({ i });
      const reply = await fetch(`http://localhost:${port}/`, { method: 'POST', body });
      await reply.json();
      const outgoing = request({ port, host: '127.0.0.1', method: 'POST', agent: false });
      outgoing.end(body);
      const [incoming] = await once(outgoing, 'response');
      for await (const chunk of incoming) chunk.length;
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

module.exports = {
  modules: builtins,
  text,
  locale,
  console: logging,
  timers,
  streams,
  crypto: cryptography,
  files,
  tls: secureContext,
  handshake,
  worker,
  http,
  driver,
};
