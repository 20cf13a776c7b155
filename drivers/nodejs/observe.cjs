'use strict';
/*
 * Notes what a run uses that will not be the same in another one: random sources, clocks, the
 * network. The random sources of `crypto` are wrapped for good, since modules take hold of them
 * when they are loaded. Clocks and connections are wrapped for the time of an observation, so that
 * nothing else pays for it.
 */

const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');
const net = require('node:net');
const draws = require('./draws.cjs');
const { drawnValues } = require('./reseed.cjs');

const { apply, construct } = Reflect;
const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyDescriptors, getPrototypeOf } = Object;

const CRYPTO = [
  'randomBytes',
  'pseudoRandomBytes',
  'prng',
  'rng',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'randomUUIDv7',
  'generateKey',
  'generateKeySync',
  'generateKeyPair',
  'generateKeyPairSync',
  'generatePrime',
  'generatePrimeSync',
];

/** @type {Set<string> | undefined} */
let seen;

/** The same function with a note before each call, or undefined if there is none. */
function noted(target, name, text) {
  const original = target[name];
  if (typeof original !== 'function') return undefined;
  const wrapper = function (...args) {
    seen?.add(text);
    return apply(original, this, args);
  };
  return Object.defineProperties(wrapper, getOwnPropertyDescriptors(original));
}

/** Replaces a property. Returns what undoes that, unless other code has replaced it again. */
function replace(target, name, value) {
  const descriptor = getOwnPropertyDescriptor(target, name);
  if (value === undefined || descriptor === undefined || !descriptor.configurable) return () => {};
  defineProperty(target, name, { ...descriptor, value });
  return () => {
    if (target[name] === value) defineProperty(target, name, descriptor);
  };
}

const note = (target, name, text) => replace(target, name, noted(target, name, text));

/** Puts the lasting wrappers in place, once, after those that reseed.cjs installs. */
function install() {
  const { webcrypto, DiffieHellman, DiffieHellmanGroup, ECDH } = crypto;
  const watch = (target, name, title = name) => {
    const original = noted(target, name, `random: crypto.${title}`);
    if (original !== undefined) replace(target, name, draws.watched(original, name));
  };
  for (const name of CRYPTO) watch(crypto, name);
  for (const name of ['getRandomValues', 'randomUUID']) watch(getPrototypeOf(webcrypto), name);
  watch(getPrototypeOf(webcrypto.subtle), 'generateKey', 'subtle.generateKey');
  for (const { prototype } of [DiffieHellman, DiffieHellmanGroup, ECDH]) watch(prototype, 'generateKeys');
  syncBuiltinESMExports();
}

/** The constructor, which notes when it is asked for the present. */
function notedDate() {
  const text = 'time: Date';
  const original = globalThis.Date;
  const proxy = new Proxy(original, {
    apply(target, self, args) {
      seen?.add(text);
      return apply(target, self, args);
    },
    construct(target, args, newTarget) {
      if (args.length === 0) seen?.add(text);
      return construct(target, args, newTarget === proxy ? target : newTarget);
    },
  });
  return [
    note(original, 'now', 'time: Date.now'),
    replace(original.prototype, 'constructor', proxy),
    replace(globalThis, 'Date', proxy),
  ];
}

/** Begins to take notes. `end` returns them, once; each is a kind, a colon, and what was used. */
function observe() {
  const own = new Set();
  const values = drawnValues();
  const native = draws.nativeDraws();
  seen = own;
  const undo = [
    ...notedDate(),
    note(process, 'hrtime', 'time: process.hrtime'),
    note(process.hrtime, 'bigint', 'time: process.hrtime'),
    note(getPrototypeOf(performance), 'now', 'time: performance.now'),
    note(net.Socket.prototype, 'connect', 'network: net'),
  ];
  return {
    end() {
      if (seen === own) seen = undefined;
      for (const restore of undo.splice(0).reverse()) restore();
      if (drawnValues() !== values) own.add('random: Math.random');
      if (draws.nativeDraws() !== native) own.add('random: native code');
      return [...own];
    },
  };
}

module.exports = { install, observe };
