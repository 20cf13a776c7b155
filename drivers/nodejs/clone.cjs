'use strict';
/*
 * The structured clone algorithm refuses proxies, and the arguments of a run with fixed ones are one. Its
 * entrances try again with the plain object in the proxy's place.
 */

const v8 = require('node:v8');
const { MessagePort, Worker } = require('node:worker_threads');

const { apply } = Reflect;
const { getPrototypeOf, keys } = Object;

/** @type {WeakMap<object, import('./arguments.cjs').PendingArguments>} */
const known = new WeakMap();

/**
 * @param {import('./arguments.cjs').PendingArguments} pending
 * @param {() => void} reach the capture point: a clone needs all arguments
 */
function registerProxy(pending, reach) {
  known.set(pending.proxy, { pending, reach });
}

/** The value with plain objects for proxies, in plain objects and arrays at any depth. */
function withoutProxies(value, copies = new Map()) {
  if (typeof value !== 'object' || value === null) return value;
  const found = known.get(value);
  found?.reach();
  const object = found === undefined ? value : found.pending.values;
  const prototype = getPrototypeOf(object);
  if (!Array.isArray(object) && prototype !== Object.prototype && prototype !== null) return value;
  if (copies.has(object)) return copies.get(object);
  const copy = Array.isArray(object) ? new Array(object.length) : {};
  copies.set(object, copy);
  for (const name of keys(object)) {
    Object.defineProperty(copy, name, {
      value: withoutProxies(object[name], copies),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return copy;
}

function retry(target, name) {
  const original = target[name];
  const wrapper = function (value, ...rest) {
    try {
      return apply(original, this, [value, ...rest]);
    } catch (error) {
      if (error?.name !== 'DataCloneError' && !/could not be cloned/.test(error?.message)) throw error;
      return apply(original, this, [withoutProxies(value), ...rest]);
    }
  };
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(target, name, { ...descriptor, value: wrapper });
}

/** Once, before the function's code is loaded. */
function installCloning() {
  retry(globalThis, 'structuredClone');
  retry(v8, 'serialize');
  retry(MessagePort.prototype, 'postMessage');
  retry(Worker.prototype, 'postMessage');
}

module.exports = { installCloning, registerProxy };
