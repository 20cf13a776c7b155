'use strict';
/*
 * Clones of one snapshot share every random state in the memory of the process. This
 * module makes them differ. The kernel's source and OpenSSL's generator (which notices
 * a new process id) are the library OS's concern; here are the states in JavaScript and V8:
 *
 * - Math.random of the main context: replaced by a generator of our own that can be seeded;
 * - Math.random of contexts made by node:vm (vm-contexts.cjs);
 * - the batches of random bytes that crypto.randomUUID and crypto.randomInt keep;
 * - random bytes that packages have in stock, and short buffers (pools.cjs);
 * - process.pid.
 *
 * Worker threads have all of these for themselves (worker.cjs). A new one's are seeded by OpenSSL.
 *
 * A clone of a run that was captured half-way gets no message with a seed, nor does a worker
 * thread. For them the library OS writes new random bytes to a place that is looked at before each
 * draw.
 */

const crypto = require('node:crypto');
const { closeSync, openSync, readlinkSync, readSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');

const { seedNewContexts } = require('./vm-contexts.cjs');
const { Generator } = require('./generator.cjs');
const { renewStocks, watchStocks } = require('./pools.cjs');

/*
 * One batch of each cache in lib/internal/crypto/random.js: that many calls replace it whole, from
 * whichever phase.
 */
const UUID_BATCH = 128;
const INT_BATCH = 1024;

/*
 * The library OS gives each clone other bytes here: two words that name the life, and a state to
 * start from.
 */
const FRESH_DEVICE = '/dev/seuss-fresh';
const FRESH_WORDS = 6;
/* All threads look at the place that the main one has registered. */
const FRESH_DATA = 'seuss.fresh';

const { randomFillSync } = crypto;
const generator = new Generator();
const fresh = isMainThread
  ? new Uint32Array(new SharedArrayBuffer(FRESH_WORDS * 4))
  : getEnvironmentData(FRESH_DATA);
let lifeHigh = 0;
let lifeLow = 0;
/** Counts lives: that of a UC that a cached batch belongs to. */
let life = 0;

/** Asks the library OS for that; there is none in tests outside of a UC. */
function watchLife() {
  let device;
  try {
    device = openSync(FRESH_DEVICE, 'r');
  } catch {
    return;
  }
  try {
    readSync(device, fresh, 0, fresh.byteLength, null);
  } finally {
    closeSync(device);
  }
}

function isNewLife() {
  return fresh[0] !== lifeHigh || fresh[1] !== lifeLow;
}

/** The life that this is, its random state made anew if it has just begun. */
function currentLife() {
  if (isNewLife()) startLife(isMainThread ? fresh.subarray(2) : randomFillSync(new Uint32Array(4)));
  return life;
}

/** @param {ArrayLike<number>} words four of 32 bits */
function startLife(words) {
  lifeHigh = fresh[0];
  lifeLow = fresh[1];
  generator.seed(words);
  renewStocks();
  life++;
}

/** @type {(() => void) | undefined} */
let onDraw;

/** Calls `listener` with each Math.random. */
function onMathRandom(listener) {
  onDraw = listener;
}

/** Values of Math.random so far. */
const drawnValues = () => generator.drawn;

function nextRandom() {
  if (isNewLife()) currentLife();
  if (onDraw !== undefined) onDraw();
  return generator.next();
}

/** As replacements of built-in functions look: own name, no source text. */
function disguise(target, name, replacement) {
  const original = target[name];
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(replacement, 'name', { value: name, configurable: true });
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
  Object.defineProperty(target, name, { ...descriptor, value: replacement });
}

/**
 * Functions that give out of one batch of random bytes: before its first use in a new
 * life, a batch of an earlier one is thrown away by drawing it to the end.
 */
function renewBatch(size, draw, targets) {
  let filledIn = 0;
  for (const [target, name] of targets) {
    const original = target[name];
    disguise(target, name, function (...args) {
      const now = currentLife();
      if (filledIn !== now) {
        if (filledIn !== 0) for (let i = 0; i < size; i++) draw();
        filledIn = now;
      }
      return original.apply(this, args);
    });
  }
}

/** Node.js keeps the number that it had when it started. */
function renewProcessId() {
  let id = process.pid;
  let readIn = life;
  const get = () => {
    if (readIn !== currentLife()) {
      id = Number(readlinkSync('/proc/self'));
      readIn = life;
    }
    return id;
  };
  Object.defineProperty(process, 'pid', { get, enumerable: true, configurable: true });
}

/** Puts the replacements in place. Once, before any other code can take hold of the originals. */
function install() {
  if (isMainThread) {
    setEnvironmentData(FRESH_DATA, fresh);
    watchLife();
  }
  startLife(randomFillSync(new Uint32Array(4)));
  disguise(Math, 'random', nextRandom.bind(null));
  seedNewContexts(disguise, nextRandom);
  renewProcessId();
  watchStocks(disguise);
  const { randomInt, randomUUID, webcrypto } = crypto;
  renewBatch(INT_BATCH, () => randomInt(2), [[crypto, 'randomInt']]);
  renewBatch(UUID_BATCH, () => randomUUID(), [
    [crypto, 'randomUUID'],
    [Object.getPrototypeOf(webcrypto), 'randomUUID'],
  ]);
  syncBuiltinESMExports();
}

/** A new life begins. @param {string} seed at least 32 hexadecimal digits */
function reseed(seed) {
  startLife([0, 8, 16, 24].map((at) => parseInt(seed.slice(at, at + 8), 16)));
}

module.exports = { drawnValues, install, onMathRandom, reseed };
