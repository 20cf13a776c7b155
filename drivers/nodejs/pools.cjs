'use strict';
/*
 * Packages draw random bytes in stock: a few hundred or thousand at once, into an array that they
 * then give out of piece by piece (uuid, nanoid, ws do). Such an array that was filled before a
 * deploy is filled again after it. So is a buffer that is too short for a key, a nonce or a salt:
 * it tells processes apart (that of bson does). What is between may be a key that is in use, and
 * stays.
 */

const crypto = require('node:crypto');

const RENEWED_MAX_BYTES = 6;
const STOCK_MIN_BYTES = 256;
const STOCK_MAX_BYTES = 64 * 1024;
/* More than this many were no stock, but data: the oldest are let go. */
const STOCKS_MAX = 64;

const { randomFillSync, webcrypto } = crypto;
const { apply } = Reflect;

/** Whether the memory holds nothing else. */
const isOwner = ({ byteLength, buffer }) => buffer instanceof ArrayBuffer && byteLength === buffer.byteLength;

/**
 * Buffers of Node.js's own pool share their memory, which is never given out twice. Other memory
 * may be a program's (WebAssembly).
 */
function isStock(array) {
  if (!(array instanceof Uint8Array)) return false;
  if (array.byteLength < STOCK_MIN_BYTES || array.byteLength > STOCK_MAX_BYTES) return false;
  return isOwner(array) || (Buffer.isBuffer(array) && array.buffer.byteLength === Buffer.poolSize);
}

/** An array that is filled again and again. What is taken out of it shows by when. */
class Stock {
  #array;
  #fills = 0;
  /** Of the first three fills and the last one: the run. */
  #firsts = [];
  #last = 0;

  constructor(array) {
    this.#array = new WeakRef(array);
    this.size = array.byteLength;
  }

  get array() {
    return this.#array.deref();
  }

  filled() {
    this.#fills++;
  }

  /** A run has ended. */
  see(run) {
    for (; this.#fills > 0; this.#fills--) {
      if (this.#firsts.length < 3) this.#firsts.push(run);
      this.#last = run;
    }
  }

  /** As if each run took the same of it, and the first ones no more than the others. */
  isRegular(runs) {
    const [first, second, third] = this.#firsts;
    if (third === undefined) return false;
    const interval = third - second;
    return second - first >= interval && runs - this.#last <= interval + 1;
  }
}

/** @type {Stock[]} */
const stocks = [];
/** @type {WeakRef<ArrayBuffer>[]} */
let short = [];
let lost = false;

/** True if the array was not known. */
function note(array) {
  const known = stocks.find((stock) => stock.array === array);
  if (known !== undefined) {
    known.filled();
    return false;
  }
  if (stocks.length === STOCKS_MAX) dropOne();
  const stock = new Stock(array);
  stock.filled();
  stocks.push(stock);
  return true;
}

function dropOne() {
  const dead = stocks.findIndex((stock) => stock.array === undefined);
  lost ||= dead < 0;
  stocks.splice(Math.max(dead, 0), 1);
}

/** Whether there were too many to be renewed. */
const haveBeenLost = () => lost;

/** @param {(target: object, name: string, replacement: Function) => void} replace */
function watchStocks(replace) {
  const prototype = Object.getPrototypeOf(webcrypto);
  const { getRandomValues } = prototype;
  replace(crypto, 'randomFillSync', function (...args) {
    if (isStock(args[0])) note(args[0]);
    return apply(randomFillSync, this, args);
  });
  replace(prototype, 'getRandomValues', function (...args) {
    if (isStock(args[0])) note(args[0]);
    return apply(getRandomValues, this, args);
  });
}

/** From now on these are renewed, the ones before are not. @param {ArrayBuffer[]} buffers */
function renewShort(buffers) {
  if (buffers.length > 0 || short.length > 0) short = buffers.map((buffer) => new WeakRef(buffer));
}

/** Fills again what is left of the stocks and the short buffers. */
function renewStocks() {
  for (const stock of stocks) {
    const { array } = stock;
    if (array !== undefined) randomFillSync(array);
  }
  for (const buffer of short) {
    const bytes = buffer.deref();
    if (bytes !== undefined) randomFillSync(new Uint8Array(bytes));
  }
}

module.exports = {
  RENEWED_MAX_BYTES,
  haveBeenLost,
  isOwner,
  isStock,
  renewShort,
  renewStocks,
  stocks,
  watchStocks,
};
