'use strict';
/*
 * Packages draw random bytes in stock: a few hundred or thousand at once, into an array that they then give out of
 * piece by piece (uuid, nanoid, ws do). Such an array that was filled before a deploy is filled again after it.
 * What is shorter may be a key that is in use, and stays.
 */

const crypto = require('node:crypto');

const STOCK_MIN_BYTES = 256;
const STOCK_MAX_BYTES = 64 * 1024;
/* More than this many were no stock, but data: the oldest are let go. */
const STOCKS_MAX = 64;

const { randomFillSync, webcrypto } = crypto;
const { apply } = Reflect;

/** @type {WeakRef<Uint8Array>[]} */
const stocks = [];

function note(array) {
  if (!(array instanceof Uint8Array)) return;
  if (array.byteLength < STOCK_MIN_BYTES || array.byteLength > STOCK_MAX_BYTES) return;
  if (stocks.some((ref) => ref.deref() === array)) return;
  if (stocks.length === STOCKS_MAX) stocks.shift();
  stocks.push(new WeakRef(array));
}

/** @param {(target: object, name: string, replacement: Function) => void} replace */
function watchStocks(replace) {
  const prototype = Object.getPrototypeOf(webcrypto);
  const { getRandomValues } = prototype;
  replace(crypto, 'randomFillSync', function (...args) {
    note(args[0]);
    return apply(randomFillSync, this, args);
  });
  replace(prototype, 'getRandomValues', function (...args) {
    note(args[0]);
    return apply(getRandomValues, this, args);
  });
}

/** Fills again what is left of the stocks. */
function renewStocks() {
  for (let i = stocks.length - 1; i >= 0; i--) {
    const array = stocks[i].deref();
    if (array === undefined) stocks.splice(i, 1);
    else randomFillSync(array);
  }
}

module.exports = { renewStocks, watchStocks };
