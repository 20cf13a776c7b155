'use strict';
/* The driver itself as anticipation exercises it: whole conversations, as with a node. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { Channel } = require('./channel.cjs');
const { collectYoungGarbage } = require('./garbage.cjs');
const { Server } = require('./serve.cjs');

/* Enough for V8 to optimise the driver's own code, which then no clone interprets or profiles. */
const DRIVER_RUNS = 20000;
const SHORT_RUNS = 50;
/*
 * Within the limit of an item. On a busy machine it makes do with fewer runs: none may be left for
 * clones to go on with.
 */
const CONVERSATIONS_MS = 4000;
const HALFWAY_RUNS = 20;
/* More than the channel's buffer holds. */
const LONG_CHARS = 100_000;

const SOURCES = [
  {
    filename: 'a.js',
    source:
      'const { format } = require("util"); ' +
      'function main(p) { return { greeting: format("hello %s", p.name) }; }',
  },
  {
    filename: 'b.js',
    source: 'exports.main = async (p) => { await null; return { list: [1, 2, p.name] }; };',
  },
  {
    filename: 'c.js',
    source: 'function main(p) { return new Promise((resolve) => setImmediate(resolve, p)); }',
  },
  {
    filename: 'd.mjs',
    source: 'import os from "node:os"; export function main() { return { eol: os.EOL }; }',
  },
  { filename: 'e.js', source: 'function main() { return Promise.reject(new Error("no")); }' },
  { filename: 'f.js', source: 'this is no JavaScript' },
];

/* Each kind of result, in turns: optimised code that meets something new is thrown away. */
const MIXED = {
  filename: 'mixed.js',
  source: `exports.main = ({ result }) => {
    switch (result) {
      case 1: return Promise.resolve({ done: true });
      case 2: return new Promise((resolve) => setImmediate(resolve, { done: true }));
      case 3: throw new Error('no');
      case 4: return Promise.reject(new Error('no'));
      case 5: return { error: 'no' };
      case 6: return;
      case 7: setImmediate(() => {}); return {};
      case 8: for (const stream of [process.stdout, process.stderr]) stream.write('', () => {});
      default: return {};
    }
  };`,
};
const MIXED_RESULTS = 9;

/**
 * Whole conversations with a server. The long one comes last, after all that V8 is to know when it
 * optimises; and no full collection may follow, which would throw away optimised code with the
 * objects that it knows.
 */
async function driver() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'anticipate-'));
  const sink = fs.openSync('/dev/null', 'w');
  const restore = notedSurroundings();
  const end = performance.now() + CONVERSATIONS_MS;
  const codes = [...SOURCES, { dir: path.join(dir, 'folder') }];
  writeFolder(path.join(dir, 'folder'));
  try {
    for (const code of [...codes, ...codes]) await converse(sink, conversation(code, SHORT_RUNS, dir), end);
    readMessages();
    await converse(sink, conversation(MIXED, DRIVER_RUNS, dir), end);
    collectYoungGarbage();
  } finally {
    restore();
    fs.closeSync(sink);
    fs.rmSync(dir, { recursive: true });
  }
}

/** What loaded functions change. Returns what undoes that. */
function notedSurroundings() {
  const cwd = process.cwd();
  const loaded = new Set(Object.keys(require.cache));
  const { TMPDIR } = process.env;
  return () => {
    process.chdir(cwd);
    for (const name of Object.keys(require.cache)) if (!loaded.has(name)) delete require.cache[name];
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  };
}

/** The server has its messages from elsewhere. */
function readMessages() {
  const source = fs.openSync('/dev/zero', 'r');
  const buffer = Buffer.allocUnsafeSlow(1);
  for (let i = 0; i < DRIVER_RUNS; i++) fs.readSync(source, buffer, 0, buffer.length, null);
  fs.closeSync(source);
}

/**
 * Messages have the fields and the order that the node gives them: then a clone makes no hidden
 * classes for them.
 */
function conversation({ source, filename, dir }, runs, temporary) {
  const seed = '0123456789abcdef'.repeat(8);
  const code = dir === undefined ? { source, filename } : { dir };
  /* An ES module is written to a temporary folder. */
  const env = filename?.endsWith('.mjs') ? { TMPDIR: temporary } : {};
  const init = { op: 'init', seed, main: 'main', ...code, env };
  const long = { op: 'run', id: 0, value: { text: 'x'.repeat(LONG_CHARS) }, env: {} };
  const lines = [init, long, ...halfway(seed), { op: 'collect' }].map((message) => JSON.stringify(message));
  for (let id = 1; id <= runs; id++) {
    const text = id.toString(16).padStart(32, '0');
    const result = (id >> 3) % MIXED_RESULTS;
    const value =
      id % 2 === 0 ? { result } : { name: `n${id}`, list: [id, 0.5, null, true], text: 'zwölf €', result };
    const env =
      id % 4 === 0
        ? {}
        : {
            __OW_ACTIVATION_ID: text,
            __OW_NAMESPACE: 'guest',
            __OW_ACTION_NAME: '/guest/anticipated',
            __OW_ACTION_VERSION: '0.0.1',
            __OW_TRANSACTION_ID: text,
            __OW_DEADLINE: text,
          };
    lines.push(JSON.stringify({ op: 'run', id, value, env, ...(id % 8 === 1 && { seed }) }));
  }
  return lines.map((line) => `${line}\n`);
}

/** Runs that park and go on: clones of an argument snapshot do the second half. */
function halfway(seed) {
  const env = { __OW_ACTIVATION_ID: seed.slice(0, 32) };
  return Array.from({ length: HALFWAY_RUNS }, (_, id) => [
    { op: 'specialize', id, value: { text: 'x' }, seed },
    { op: 'resume', id, value: { name: `n${id}`, text: 'x' }, env, seed },
  ]).flat();
}

/**
 * One message for each read, as the device gives them; then the end of file, which also comes with
 * the end of the time.
 */
function reader(messages, end) {
  let next = 0;
  let rest = Buffer.alloc(0);
  return (_fd, buffer, offset, length) => {
    if (rest.length === 0 && next < messages.length && performance.now() < end)
      rest = Buffer.from(messages[next++]);
    const got = rest.copy(buffer, offset, 0, length);
    rest = rest.subarray(got);
    return got;
  };
}

async function converse(sink, messages, end) {
  await new Promise((resolve) => {
    new Server(new Channel(sink, sink, reader(messages, end)), resolve, () => {}).start();
  });
}

/** A function with a package. */
function writeFolder(dir) {
  fs.mkdirSync(path.join(dir, 'node_modules/dep'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'node_modules/dep/index.js'), 'exports.answer = 42;');
  fs.writeFileSync(path.join(dir, 'package.json'), '{"main":"start.js"}');
  fs.writeFileSync(path.join(dir, 'start.js'), 'exports.main = () => require("dep");');
}

module.exports = { driver };
