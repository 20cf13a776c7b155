'use strict';
/*
 * What a function has drawn from random sources, and whether it keeps something of it: clones of a
 * UC that has run would have that in common. What is drawn in each run alike is taken to serve that
 * run. What only some runs draw (the first one, say) is kept for others, and so is all that is
 * drawn while the code is loaded, unless it is renewed in each clone: stocks and short buffers
 * (pools.cjs). Native code draws past all this: the library OS counts it.
 */

const { closeSync, openSync, readSync } = require('node:fs');
const { setImmediate: turn } = require('node:timers/promises');

const { collectGarbage } = require('./garbage.cjs');
const output = require('./output.cjs');
const { RENEWED_MAX_BYTES, haveBeenLost, isOwner, isStock, renewShort, stocks } = require('./pools.cjs');
const { drawnValues, onMathRandom } = require('./reseed.cjs');

const DEVICE = '/dev/seuss-draws';
/* Runs that may set something up, and so many after them tell what each run draws. */
const FIRST_RUNS = 2;
const KINDS_MAX = 64;
/* Buffers that are looked after: so many of the first, so many of the last. */
const KEPT = 32;
/* Longer ones are not held. */
const HELD_MAX_BYTES = 4096;
const MATH = 'Math.random';
/* Counters of these start at random. What tells their ids apart is a buffer of its own, which is renewed. */
const COUNTERS = /[\\/]node_modules[\\/](?:bson|mongodb)[\\/]/;

const { defineProperties, getOwnPropertyDescriptors } = Object;
const { apply } = Reflect;

/**
 * @typedef {{ total: number, now: number, loaded: number, runs: number, first: number, later: number }} Kind
 *   `total`: draws; `now`: in this run; `loaded`: while the code was loaded; `runs`: that drew;
 *   `first`, `later`: the most in one of the first runs, and of the others
 */

/** @type {'boot' | 'load' | 'runs'} */
let phase = 'boot';
/** @type {Map<string, Kind>} */
const kinds = new Map();
/** @type {Set<string>} What is certain. */
const reasons = new Set();
let runs = 0;
let drew = false;
let valuesBefore = 0;
let stocksBefore = 0;
let workersBefore = 0;
let nativeBefore = 0;
/** The library OS writes the number of draws of native code there, which stays where it is. */
const native = new Uint32Array(new SharedArrayBuffer(8));
/**
 * `owner`: the memory holds nothing else; `fills`: how often it was drawn into.
 * @type {{
 *   kind: string, size: number, short: boolean, owner: boolean, fills: number,
 *   memory: ArrayBufferLike | WeakRef<ArrayBufferLike>
 * }[]}
 */
const firsts = [];
const lasts = [];
let tracked = 0;

/** Has the library OS count what native code draws; once. */
function install() {
  let device;
  try {
    device = openSync(DEVICE, 'r');
  } catch {
    /* Tests outside of a UC. */
    return;
  }
  try {
    readSync(device, native, 0, native.byteLength, null);
  } finally {
    closeSync(device);
  }
}

/** How often native code has drawn. */
const nativeDraws = () => native[0];

function count(name, times) {
  let kind = kinds.get(name);
  if (kind === undefined) {
    if (kinds.size === KINDS_MAX) {
      reasons.add('random: many kinds of values');
      return;
    }
    kind = { total: 0, now: 0, loaded: 0, runs: 0, first: 0, later: 0 };
    kinds.set(name, kind);
  }
  kind.total += times;
  if (phase === 'load') kind.loaded += times;
  else kind.now += times;
  drew = true;
}

function track(kind, { byteLength: size, buffer }, owner) {
  const known = findMemory(kind, buffer);
  if (known !== undefined) {
    known.fills++;
    return;
  }
  const memory = size > HELD_MAX_BYTES ? new WeakRef(buffer) : buffer;
  const entry = { kind, size, short: owner && size <= RENEWED_MAX_BYTES, owner, fills: 1, memory };
  if (firsts.length < KEPT) firsts.push(entry);
  else lasts[tracked++ % KEPT] = entry;
}

function findMemory(kind, buffer) {
  const isIt = (entry) => entry.memory === buffer && entry.kind === kind;
  return firsts.find(isIt) ?? lasts.find(isIt);
}

/** Each run draws into the same memory, and only there, before it uses that. */
function isScratch({ kind: name, owner, fills, size }) {
  const kind = kinds.get(name);
  return owner && size <= HELD_MAX_BYTES && fills === kind.total && isRegular(kind);
}

/** Each clone has it filled anew. */
const isRenewed = (entry) => isScratch(entry) || (entry.short && !isRegular(kinds.get(entry.kind)));

/** Where a call comes from: the first file that is neither Node.js's nor the driver's. */
function caller() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 20;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return (
    String(stack)
      .split('\n')
      .slice(1)
      .find((line) => !line.includes('node:') && !line.includes(__dirname) && /[\\/]/.test(line)) ?? ''
  );
}

/** @param {boolean} fills the memory was there before, and may be a stock that is filled again */
function noteView(name, view, fills) {
  if (!ArrayBuffer.isView(view)) {
    reasons.add(`random: crypto.${name}`);
    return;
  }
  const kind = `crypto.${name} ${view.byteLength}`;
  if (!fills || !isStock(view)) {
    count(kind, 1);
    track(kind, view, isOwner(view));
  } else {
    const stock = stocks.find(({ array }) => array === view);
    if (stock !== undefined && stock.kind === undefined) {
      stock.kind = kind;
      count(kind, 1);
    }
  }
}

/** Of a call that gives bytes to its callback. */
function withCallback(name, args) {
  const at = args.length - 1;
  const done = args[at];
  args[at] = function (...results) {
    if (results[1] !== undefined) noteView(name, results[1], FILLS.has(name));
    return apply(done, this, results);
  };
}

const KEYS = /^generate/;
const FILLS = new Set(['randomFill', 'randomFillSync', 'getRandomValues']);
const BYTES = new Set(['randomBytes', 'pseudoRandomBytes', 'prng', 'rng']);

/** The same function, with an eye on what it draws. */
function watched(original, name) {
  const wrapper = function (...args) {
    if (phase === 'boot') return apply(original, this, args);
    const asks = typeof args.at(-1) === 'function';
    if (KEYS.test(name)) reasons.add(`random: crypto.${name}`);
    else if (asks && (FILLS.has(name) || BYTES.has(name))) withCallback(name, args);
    else if (!FILLS.has(name) && !BYTES.has(name)) count(`crypto.${name}`, 1);
    const result = apply(original, this, args);
    if (!asks && (FILLS.has(name) || BYTES.has(name))) noteView(name, result, FILLS.has(name));
    return result;
  };
  return defineProperties(wrapper, getOwnPropertyDescriptors(original));
}

function noteMathRandom() {
  if (!COUNTERS.test(caller())) count(MATH, 1);
}

/** The code is about to be loaded. What was drawn before is forgotten. */
function beginLoad() {
  phase = 'load';
  /* What is empty stays as it is: each clone would write to it. */
  if (kinds.size > 0) kinds.clear();
  if (reasons.size > 0) reasons.clear();
  if (firsts.length > 0) firsts.length = lasts.length = tracked = 0;
  runs = 0;
  drew = false;
  stocksBefore = stocks.length;
  workersBefore = output.workersStarted();
  nativeBefore = nativeDraws();
  onMathRandom(noteMathRandom);
}

/** It is loaded. */
function endLoad() {
  phase = 'runs';
  onMathRandom(undefined);
  valuesBefore = drawnValues();
  for (const stock of stocks) stock.see(0);
  renewShort(firsts.filter(({ short }) => short).map(({ memory }) => memory));
}

/** A run is over. */
function endRun() {
  runs++;
  const values = drawnValues();
  if (values !== valuesBefore) {
    count(MATH, values - valuesBefore);
    valuesBefore = values;
  }
  for (const stock of stocks) stock.see(runs);
  if (!drew) return;
  drew = false;
  for (const kind of kinds.values()) {
    if (kind.now === 0) continue;
    kind.runs++;
    if (runs <= FIRST_RUNS) kind.first = Math.max(kind.first, kind.now);
    else kind.later = Math.max(kind.later, kind.now);
    kind.now = 0;
  }
}

/** Each run draws it, the first ones no more of it. */
function isRegular({ loaded, runs: times, first, later }) {
  return loaded === 0 && times === runs && runs > FIRST_RUNS && first <= later;
}

/** Whether anything was drawn. */
function hasDrawn() {
  return (
    reasons.size > 0 ||
    kinds.size > 0 ||
    stocks.length > stocksBefore ||
    haveBeenLost() ||
    output.workersStarted() > workersBefore ||
    nativeDraws() !== nativeBefore
  );
}

/** Before a capture: from now on the memory is held by nobody but the function. */
function letGo() {
  const all = [...firsts, ...lasts];
  renewShort(all.filter(isRenewed).map(({ memory }) => memory));
  for (const entry of all) {
    if (!(entry.memory instanceof WeakRef)) entry.memory = new WeakRef(entry.memory);
  }
}

/** In a clone of the capture: why other clones would have drawn values in common. */
async function examine() {
  await turn();
  collectGarbage();
  await turn();
  collectGarbage();
  const found = new Set(reasons);
  if (nativeDraws() !== nativeBefore) found.add('random: native code');
  if (output.workersStarted() > workersBefore) found.add('random: worker threads');
  if (haveBeenLost()) found.add('random: many stocks');
  const renewed = new Map();
  const renew = (kind, fills = 1) => renewed.set(kind, (renewed.get(kind) ?? 0) + fills);
  for (const entry of [...firsts, ...lasts]) {
    const { kind, size, fills, memory } = entry;
    if (memory.deref() === undefined) continue;
    if (isRenewed(entry)) renew(kind, fills);
    else found.add(`random: ${kind.split(' ')[0]}, a buffer of ${size} bytes`);
  }
  for (const stock of stocks) {
    if (stock.kind === undefined || stock.array === undefined) continue;
    if (stock.isRegular(runs)) renew(stock.kind);
    else found.add(`random: ${stock.kind.split(' ')[0]}, a stock of ${stock.size} bytes`);
  }
  for (const [name, kind] of kinds) {
    if (!isRegular(kind) && renewed.get(name) !== kind.total) found.add(`random: ${name.split(' ')[0]}`);
  }
  return [...found];
}

module.exports = { beginLoad, endLoad, endRun, examine, hasDrawn, install, letGo, nativeDraws, watched };
