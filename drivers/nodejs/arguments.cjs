'use strict';
/*
 * The arguments of a run of which only some are known. The function gets a proxy; asking it for
 * anything but the known ones reaches the capture point, where the invocation's own
 * arguments come in. From then on the proxy passes everything on to a plain object.
 */

const { inspect } = require('node:util');

/* User code may replace any of these later. */
const { defineProperty, getOwnPropertyDescriptors, hasOwn, keys } = Object;
const { deleteProperty, getOwnPropertyDescriptor, isExtensible, ownKeys } = Reflect;

/** Sets a property of its own, whatever its name (`__proto__`) and whatever the prototype says. */
function setOwn(object, name, value) {
  defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

class PendingArguments {
  #values;
  #handler;
  #reach;
  /** Names that the function deleted: the invocation's values do not bring them back. */
  #deleted = new Set();

  /**
   * @param {object} fixed the known arguments
   * @param {() => void} reach the capture point; calls `fill` before it returns
   */
  constructor(fixed, reach) {
    this.#values = fixed;
    this.#reach = reach;
    this.#handler = this.#traps();
    this.proxy = new Proxy(fixed, this.#handler);
    /* Formatting looks through proxies, straight at the target. */
    defineProperty(fixed, inspect.custom, {
      configurable: true,
      value: () => {
        reach();
        return fixed;
      },
    });
  }

  /** The plain object behind the proxy. */
  get values() {
    return this.#values;
  }

  /** Takes in the invocation's arguments, in their order. What the function has changed meanwhile stays. */
  fill(all) {
    for (const trap of keys(this.#handler)) delete this.#handler[trap];
    const values = this.#values;
    deleteProperty(values, inspect.custom);
    const own = getOwnPropertyDescriptors(values);
    for (const name of ownKeys(own)) deleteProperty(values, name);
    for (const name of keys(all)) {
      if (hasOwn(own, name)) {
        defineProperty(values, name, own[name]);
        delete own[name];
      } else if (!this.#deleted.has(name)) {
        setOwn(values, name, all[name]);
      }
    }
    for (const name of ownKeys(own)) defineProperty(values, name, own[name]);
  }

  /** Known: present, deleted by the function, or no argument's name. */
  #isKnown(name) {
    return typeof name === 'symbol' || hasOwn(this.#values, name) || this.#deleted.has(name);
  }

  #traps() {
    const reach = this.#reach;
    const need = (name) => {
      if (!this.#isKnown(name)) reach();
    };
    return {
      get(target, name, receiver) {
        need(name);
        return Reflect.get(target, name, receiver);
      },
      has(target, name) {
        need(name);
        return Reflect.has(target, name);
      },
      getOwnPropertyDescriptor(target, name) {
        need(name);
        return getOwnPropertyDescriptor(target, name);
      },
      ownKeys(target) {
        reach();
        return ownKeys(target);
      },
      /* A value is replaced whichever it was; only an inherited setter would make a difference. */
      set: (target, name, value, receiver) => {
        if (receiver !== this.proxy || name in target || this.#isKnown(name)) {
          need(name);
          return Reflect.set(target, name, value, receiver);
        }
        setOwn(target, name, value);
        return true;
      },
      /* What is defined whole does not depend on what there was. */
      defineProperty: (target, name, descriptor) => {
        if (!isWhole(descriptor)) need(name);
        this.#deleted.delete(name);
        return Reflect.defineProperty(target, name, descriptor);
      },
      deleteProperty: (target, name) => {
        need(name);
        this.#deleted.add(name);
        return deleteProperty(target, name);
      },
      preventExtensions(target) {
        reach();
        return Reflect.preventExtensions(target);
      },
    };
  }
}

function isWhole(descriptor) {
  const { enumerable, configurable, writable, get, set } = descriptor;
  const kind = writable === undefined ? get !== undefined && set !== undefined : hasOwn(descriptor, 'value');
  return kind && enumerable !== undefined && configurable !== undefined;
}

/**
 * Gives a plain arguments object other contents, for code that holds on to it.
 * @returns {object} the object; `all` in its place when it cannot be changed
 */
function refill(object, all) {
  if (!isExtensible(object) || !ownKeys(object).every((name) => deleteProperty(object, name))) return all;
  for (const name of keys(all)) setOwn(object, name, all[name]);
  return object;
}

module.exports = { PendingArguments, refill };
