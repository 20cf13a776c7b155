'use strict';
/*
 * Whose output it is. What a run leaves behind (a timer, a promise, a request to the thread pool)
 * may write when the run has been answered and another one is on: that text goes to the node with
 * the id of its own run. Writes that are on their way through the thread pool are counted, since
 * the answer waits for them.
 */

const { AsyncLocalStorage } = require('node:async_hooks');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const threads = require('node:worker_threads');

const { makeOwn } = require('./resources.cjs');

/* Before this one, to follow a run costs each promise of it. */
const FOLLOWING_SINCE = 24;
/* Of one late write: more is cut off. */
const LATE_CHARS_MAX = 16 * 1024;

/* User code may replace these. */
const { apply, construct } = Reflect;
const { stringify } = JSON;
const { nextTick } = process;
const { byteLength } = Buffer;

/**
 * What code and all that it begins have in common.
 * @typedef {{ run: { id: number }, scope: AsyncResource }} Trace
 */

/** @type {AsyncLocalStorage<Trace> | undefined} */
const traces =
  Number.parseInt(process.versions.node, 10) >= FOLLOWING_SINCE ? new AsyncLocalStorage() : undefined;

/**
 * Of the last run. The next one has the same if that has left nothing behind: to make one costs
 * more than a call.
 * @type {Trace | undefined}
 */
let trace;
/** The trace, while its run is on. @type {Trace | undefined} */
let current;
/** @type {(line: string) => void} */
let tell = () => {};
let underWay = 0;
let workers = 0;
let started = 0;
/** @type {(() => void) | undefined} */
let onWritten;

/**
 * Calls a function as part of a run: what it writes until the run has been answered is written as ever.
 * @param {{ id: number }} run
 */
function callWithin(run, target, owner, args) {
  if (traces === undefined) return apply(target, owner, args);
  if (trace === undefined) {
    trace = { run, scope: undefined };
    trace.scope = traces.run(trace, makeOwn);
  }
  trace.run = run;
  current = trace;
  return trace.scope.runInAsyncScope(apply, undefined, target, owner, args);
}

/** The run that is on has begun something that may go on after its answer. */
function leaves() {
  trace = undefined;
}

/** The run that is on has been answered. */
function answered() {
  current = undefined;
}

/** The answered run whose code is at work; undefined when none is. */
function lateRun() {
  const found = traces?.getStore();
  return found === current ? undefined : found?.run;
}

function tellLate(run, stream, text) {
  tell(`{"op":"log","id":${run.id},"stream":"${stream}","text":${stringify(text.slice(0, LATE_CHARS_MAX))}}`);
}

const streamOf = (fd) => (fd === 1 ? 'stdout' : fd === 2 ? 'stderr' : undefined);
const isText = (chunk) => typeof chunk === 'string' || ArrayBuffer.isView(chunk);

function textOf(chunk, offset = 0, length = chunk.byteLength - offset) {
  if (typeof chunk === 'string') return chunk;
  return Buffer.from(chunk.buffer, chunk.byteOffset + offset, length).toString();
}

function watchStream(stream, name) {
  const { write } = stream;
  stream.write = function (chunk, encoding, done) {
    const run = lateRun();
    if (run === undefined || !isText(chunk)) return apply(write, this, [chunk, encoding, done]);
    tellLate(run, name, textOf(chunk));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') nextTick(callback);
    return true;
  };
}

/**
 * Text and bytes of a call of fs.write or fs.writev without its descriptor; undefined for what only
 * they can judge.
 */
function written(data, offset, length) {
  if (Array.isArray(data)) {
    return data.every(ArrayBuffer.isView)
      ? {
          text: data.map((view) => textOf(view)).join(''),
          bytes: data.reduce((sum, view) => sum + view.byteLength, 0),
        }
      : undefined;
  }
  if (typeof data === 'string') return { text: data, bytes: byteLength(data) };
  if (!ArrayBuffer.isView(data)) return undefined;
  if (typeof offset === 'object' && offset !== null) ({ offset, length } = offset);
  const from = typeof offset === 'number' ? offset : 0;
  const bytes = typeof length === 'number' ? length : data.byteLength - from;
  return from >= 0 && bytes >= 0 && from + bytes <= data.byteLength
    ? { text: textOf(data, from, bytes), bytes }
    : undefined;
}

function replace(name, replacement) {
  fs[name] = Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(fs[name]));
}

function watchSync(name) {
  const original = fs[name];
  replace(name, function (fd, ...args) {
    const stream = streamOf(fd);
    const run = stream && lateRun();
    const late = run && written(...args);
    if (late === undefined) return apply(original, this, [fd, ...args]);
    tellLate(run, stream, late.text);
    return late.bytes;
  });
}

function watchAsync(name) {
  const original = fs[name];
  replace(name, function (fd, ...args) {
    const at = args.findLastIndex((arg) => typeof arg === 'function');
    const stream = streamOf(fd);
    if (stream === undefined || at < 0) return apply(original, this, [fd, ...args]);
    const done = args[at];
    const run = lateRun();
    const late = run && written(...args);
    if (late !== undefined) {
      tellLate(run, stream, late.text);
      nextTick(done, null, late.bytes, args[0]);
      return undefined;
    }
    args[at] = function (...results) {
      /* It may begin the next write, which then counts as well. */
      try {
        return apply(done, this, results);
      } finally {
        underWay--;
        if (underWay === 0) onWritten?.();
      }
    };
    const begun = apply(original, this, [fd, ...args]);
    underWay++;
    return begun;
  });
}

/** A worker thread, which writes through this one, serves later runs than the one that started it. */
function watchWorkers() {
  threads.Worker = new Proxy(threads.Worker, {
    construct(...all) {
      const worker = traces === undefined ? construct(...all) : traces.exit(construct, ...all);
      workers++;
      started++;
      worker.once('exit', () => workers--);
      return worker;
    },
  });
}

/** @param {(line: string) => void} tellNode sends a message */
function tellWith(tellNode) {
  tell = tellNode;
}

/** Puts the wrappers in place, once, before other code can take hold of what they replace. */
function install() {
  watchStream(process.stdout, 'stdout');
  watchStream(process.stderr, 'stderr');
  for (const name of ['writeSync', 'writevSync']) watchSync(name);
  for (const name of ['write', 'writev']) watchAsync(name);
  watchWorkers();
  syncBuiltinESMExports();
}

/** Whether writes to stdout or stderr are on their way through the thread pool. */
function isWriting() {
  return underWay > 0;
}

/** Whether worker threads are there. */
function hasWorkers() {
  return workers > 0;
}

/** How many there were ever, those of the boot too. */
function workersStarted() {
  return started;
}

/** Calls `listener` once when there are none left; undefined: not any more. */
function whenWritten(listener) {
  onWritten = listener;
}

module.exports = {
  answered,
  callWithin,
  hasWorkers,
  install,
  isWriting,
  leaves,
  tellWith,
  whenWritten,
  workersStarted,
};
