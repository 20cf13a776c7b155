'use strict';
/*
 * Clones of one snapshot share every random state in the memory of the process. This
 * module makes them differ. The kernel's source and OpenSSL's generator (which notices
 * a new process id) are the library OS's concern; here are the states in JavaScript and V8:
 *
 * - Math.random of the main context: replaced by a generator of our own that can be seeded;
 * - Math.random of contexts made by node:vm: seeded when the context is made;
 * - the batches of random bytes that crypto.randomUUID and crypto.randomInt keep;
 * - process.pid.
 *
 * Worker threads need nothing: their isolates are seeded by OpenSSL.
 *
 * A clone of a run that was captured half-way gets no message with a seed. There the library OS writes
 * new random bytes to a place that is looked at before each draw.
 */

const crypto = require('node:crypto');
const { closeSync, openSync, readlinkSync, readSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { setFlagsFromString } = require('node:v8');
const vm = require('node:vm');

const CACHE_VALUES = 64;
/* One batch of each cache in lib/internal/crypto/random.js: that many calls replace it whole, from whichever phase. */
const UUID_BATCH = 128;
const INT_BATCH = 1024;

const state = new Uint32Array(4);
const cache = new Float64Array(CACHE_VALUES);
let cached = 0;
/** Counts deploys: the life of a UC that a cached batch belongs to. */
let life = 0;

/* The library OS gives each clone other bytes here: two words that name the life, and a state to start from. */
const FRESH_DEVICE = '/dev/seuss-fresh';
const FRESH_WORDS = 6;
const fresh = new Uint32Array(new ArrayBuffer(FRESH_WORDS * 4));
let lifeHigh = 0;
let lifeLow = 0;

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
  if (isNewLife()) startLife(fresh[2], fresh[3], fresh[4], fresh[5]);
  return life;
}

function startLife(s0, s1, s2, s3) {
  lifeHigh = fresh[0];
  lifeLow = fresh[1];
  state[0] = s0;
  state[1] = s1;
  state[2] = s2;
  state[3] = s3;
  /* The one state from which the generator does not move. */
  if ((s0 | s1 | s2 | s3) === 0) state[0] = 1;
  cached = 0;
  life++;
}

/** xoshiro128** 1.1 (Blackman and Vigna), two outputs for the 53 bits of a double. */
function refill() {
  let s0 = state[0] | 0;
  let s1 = state[1] | 0;
  let s2 = state[2] | 0;
  let s3 = state[3] | 0;
  for (let i = 0; i < CACHE_VALUES; i++) {
    let high = 0;
    let low = 0;
    for (let half = 0; half < 2; half++) {
      const x = Math.imul(s1, 5);
      high = low;
      low = Math.imul((x << 7) | (x >>> 25), 9);
      const t = s1 << 9;
      s2 ^= s0;
      s3 ^= s1;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= t;
      s3 = (s3 << 11) | (s3 >>> 21);
    }
    cache[i] = ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;
  }
  state[0] = s0;
  state[1] = s1;
  state[2] = s2;
  state[3] = s3;
  cached = CACHE_VALUES;
}

function nextRandom() {
  if (isNewLife()) currentLife();
  if (cached === 0) refill();
  return cache[--cached];
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

/** V8 seeds a context at its first Math.random: from this flag, or from the isolate's cloned state. */
function seedContext(context) {
  setFlagsFromString(`--random-seed=${1 + Math.floor(nextRandom() * 0x7ffffffe)}`);
  try {
    vm.runInContext('Math.random()', context);
  } finally {
    setFlagsFromString('--random-seed=0');
  }
  return context;
}

function seedNewContexts() {
  const { createContext, runInNewContext } = vm;
  const { runInNewContext: runScript } = vm.Script.prototype;
  const create = (object, options) =>
    vm.isContext(Object(object)) ? object : seedContext(createContext(object, options));
  const contextOptions = (options) =>
    Object(options) === options
      ? {
          ...(options.contextName !== undefined && { name: options.contextName }),
          ...(options.contextOrigin !== undefined && { origin: options.contextOrigin }),
          ...(options.contextCodeGeneration !== undefined && {
            codeGeneration: options.contextCodeGeneration,
          }),
          ...(options.microtaskMode !== undefined && { microtaskMode: options.microtaskMode }),
        }
      : undefined;

  disguise(vm, 'createContext', (object = {}, options = undefined) => create(object, options));
  disguise(vm, 'runInNewContext', (code, object = {}, options = undefined) =>
    runInNewContext(code, create(object, contextOptions(options)), options),
  );
  disguise(vm.Script.prototype, 'runInNewContext', function (object = {}, options = undefined) {
    return runScript.call(this, create(object, contextOptions(options)), options);
  });
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
  watchLife();
  reseed(crypto.randomBytes(64).toString('hex'));
  disguise(Math, 'random', nextRandom.bind(null));
  seedNewContexts();
  renewProcessId();
  const { randomInt, randomUUID, webcrypto } = crypto;
  renewBatch(INT_BATCH, () => randomInt(2), [[crypto, 'randomInt']]);
  renewBatch(UUID_BATCH, () => randomUUID(), [
    [crypto, 'randomUUID'],
    [Object.getPrototypeOf(webcrypto), 'randomUUID'],
  ]);
  syncBuiltinESMExports();
}

/** @param {string} seed at least 32 hexadecimal digits */
function reseed(seed) {
  const word = (i) => parseInt(seed.slice(i * 8, i * 8 + 8), 16);
  startLife(word(0), word(1), word(2), word(3));
}

/** Differs after each Math.random. */
function mathRandomMark() {
  return `${life} ${state.join(' ')} ${cached}`;
}

module.exports = { install, mathRandomMark, reseed };
