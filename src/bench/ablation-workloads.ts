/**
 * Functions that use what one item of a runtime's anticipations warms: each does so in `main`, so
 * that its first run shows what the item saves.
 */

const NODEJS_NOP = 'exports.main = () => ({});';

const NODEJS_TEXT = `
exports.main = () => {
  const url = new URL('https://user@example.com:8080/p?q=1&r=%20#h');
  url.searchParams.append('x', 'é');
  const text = new TextDecoder().decode(new TextEncoder().encode(url.href)).replace(/(\\w+)@(\\w+)/u, '$2');
  const code = Buffer.from(text).toString('base64');
  return JSON.parse(JSON.stringify(structuredClone({ text, at: new Date().toISOString(), code })));
};`;

const NODEJS_CPU = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
exports.main = () => {
  const start = performance.now();
  const words = new Map();
  for (let i = 0; i < 20000; i++) words.set('k' + (i % 997), (words.get('k' + (i % 997)) ?? 0) + i);
  return { fib: fib(24), words: words.size, ms: performance.now() - start };
};`;

const PYTHON_NOP = 'def main(args):\n    return {}';

const PYTHON_CPU = `
import time
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def main(args):
    start = time.perf_counter()
    words = {}
    for i in range(20000):
        words[i % 997] = words.get(i % 997, 0) + i
    return {"fib": fib(20), "words": len(words), "ms": (time.perf_counter() - start) * 1000}`;

/** A first run that calls many functions, as with a large package. */
const NODEJS_FUNCTIONS = `${Array.from(
  { length: 400 },
  (_, i) =>
    `const f${i} = (x) => { const list = []; for (let k = 0; k < 3; k++) list.push(x + k * ${i}); ` +
    'return list.reduce((a, b) => a + b, 0); };',
).join('\n')}
exports.main = () => ({ sum: ${Array.from({ length: 400 }, (_, i) => `f${i}(1)`).join(' + ')} });`;

/** Functions of one language. */
export interface Workloads {
  /** By the names of its driver's anticipations.json. */
  readonly anticipations: Readonly<Record<string, string>>;
  /** For mechanisms that serve every function alike. */
  readonly nop: string;
  /** For code that compilation makes quicker. */
  readonly cpuBound: string;
}

const NODEJS_ANTICIPATIONS = {
  bytecode: NODEJS_TEXT,
  whole: NODEJS_FUNCTIONS,
  modules:
    "exports.main = () => { for (const name of ['util', 'stream', 'zlib', 'http', 'assert', 'perf_hooks']) " +
    'require(name); return {}; };',
  text: NODEJS_TEXT,
  locale:
    'exports.main = () => ({ at: new Date(0).toLocaleString(), ' +
    "price: (1234.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' }) });",
  console:
    'exports.main = () => { ' +
    "console.log('%s of %o', 'one', { nested: { map: new Map([[1, { two: [3] }]]) } }); " +
    "console.error(new Error('x')); return {}; };",
  timers: `
const { EventEmitter, once } = require('events'); const { setTimeout: sleep } = require('timers/promises');
exports.main = async () => {
  const emitter = new EventEmitter();
  setImmediate(() => emitter.emit('done'));
  const aborted = sleep(1, null, { signal: AbortSignal.abort() }).catch(() => undefined);
  await Promise.all([once(emitter, 'done'), sleep(0), aborted]);
  return {};
};`,
  streams: `
const { Readable } = require('stream'); const { pipeline } = require('stream/promises');
const zlib = require('zlib');
exports.main = async () => {
  let bytes = 0;
  const source = Readable.from([Buffer.from('sample '.repeat(500))]);
  const count = async (chunks) => { for await (const chunk of chunks) bytes += chunk.length; };
  await pipeline(source, zlib.createGzip(), zlib.createGunzip(), count);
  return { bytes };
};`,
  crypto: `
const crypto = require('crypto');
exports.main = async () => ({
  hash: crypto.createHash('sha256').update('x').digest('hex'),
  mac: crypto.createHmac('sha1', 'k').update('x').digest('hex'),
  bytes: (await crypto.subtle.digest('SHA-256', crypto.randomBytes(16))).byteLength,
});`,
  files: `
const fs = require('fs/promises');
exports.main = async () => {
  const dir = await fs.mkdtemp('/tmp/files-');
  await fs.writeFile(dir + '/a', 'text');
  return { text: await fs.readFile(dir + '/a', 'utf8'), names: await fs.readdir(dir) };
};`,
  tls: `exports.main = () => { require('tls').createSecureContext(); return {}; };`,
  handshake: `
const tls = require('tls'); const { once } = require('events');
const key = Buffer.alloc(16, 1);
exports.main = async () => {
  const server = tls.createServer({ pskCallback: () => key, ciphers: 'PSK', maxVersion: 'TLSv1.2' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({
    port: server.address().port, host: '127.0.0.1', pskCallback: () => ({ psk: key, identity: 'x' }),
    checkServerIdentity: () => undefined, ciphers: 'PSK', maxVersion: 'TLSv1.2',
  });
  const [[accepted]] = await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]);
  accepted.destroy(); client.destroy(); server.close();
  return {};
};`,
  worker: `
const { Worker } = require('worker_threads'); const { once } = require('events');
exports.main = async () => {
  const worker = new Worker('require("worker_threads").parentPort.postMessage(1)', { eval: true });
  await once(worker, 'message');
  await worker.terminate();
  return {};
};`,
  http: `
const { createServer } = require('http'); const { once } = require('events');
exports.main = async () => {
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    request.pipe(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = 'http://localhost:' + server.address().port;
  const reply = await (await fetch(url, { method: 'POST', body: '{"a":1}' })).json();
  server.close();
  return reply;
};`,
  driver: NODEJS_NOP,
  garbage: NODEJS_NOP,
  filling: NODEJS_NOP,
};

const PYTHON_ANTICIPATIONS = {
  modules:
    'def main(args):\n' +
    '    import json, re, datetime, dataclasses, decimal, logging, urllib.request, typing\n    return {}',
  driver: PYTHON_NOP,
  text: `
import datetime, json, re, urllib.parse
def main(args):
    found = re.findall(r"(\\w+)@(\\w+)\\.com", "user@example.com")
    at = datetime.datetime.strptime("2020-01-01", "%Y-%m-%d").strftime("%A %d %B %Y")
    host = urllib.parse.urlparse("https://example.com:8080/p").netloc
    return json.loads(json.dumps({"found": found, "at": at, "host": host}))`,
  network: `
import http.server, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_): pass
def main(args):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://localhost:{server.server_port}/") as reply: reply.read()
        thread.join()
    return {}`,
  crypto: `
import hashlib, ssl
def main(args):
    ssl.create_default_context()
    return {"hash": hashlib.sha256(b"x").hexdigest()}`,
  threads: `
import asyncio, concurrent.futures
async def work(): return await asyncio.to_thread(len, "x")
def main(args):
    with concurrent.futures.ThreadPoolExecutor(2) as pool: list(pool.map(len, ["x"] * 4))
    return {"n": asyncio.run(work())}`,
  garbage: PYTHON_NOP,
  filling: PYTHON_NOP,
};

/** By language. */
export const WORKLOADS: Readonly<Record<string, Workloads>> = {
  nodejs: { anticipations: NODEJS_ANTICIPATIONS, nop: NODEJS_NOP, cpuBound: NODEJS_CPU },
  python: { anticipations: PYTHON_ANTICIPATIONS, nop: PYTHON_NOP, cpuBound: PYTHON_CPU },
};
