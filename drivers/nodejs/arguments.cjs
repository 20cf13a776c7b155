'use strict';
/*
 * The arguments of a run of which only some are known. The function gets a proxy; asking it for
 * anything but the known ones reaches the capture point, where the invocation's own
 * arguments come in. From then on the proxy passes everything on to a plain object.
 */

const { inspect } = require('node:util');

/* User code may replace any of these later. */
const { defineProperty, getOwnPropertyDescriptors, hasOwn, keys } = Object;
const { deleteProperty, getOwnPropertyDescriptor, isExtensible, ownKeys, setPrototypeOf } = Reflect;

/* Of the arguments, as of any plain object. */
const PROTOTYPE = Object.prototype;

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
    setPrototypeOf(fixed, new Proxy(PROTOTYPE, this.#absentTraps()));
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
    setPrototypeOf(values, PROTOTYPE);
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

  /** True when the invocation's arguments had to come in first. */
  #need(name) {
    if (this.#isKnown(name)) return false;
    this.#reach();
    return true;
  }

  /**
   * What does not only concern one key. Reading a known one has no trap, for functions do it again
   * and again.
   */
  #traps() {
    const reach = this.#reach;
    return {
      getOwnPropertyDescriptor: (target, name) => {
        this.#need(name);
        return getOwnPropertyDescriptor(target, name);
      },
      ownKeys(target) {
        reach();
        return ownKeys(target);
      },
      /* What is defined whole does not depend on what there was. */
      defineProperty: (target, name, descriptor) => {
        if (!isWhole(descriptor)) this.#need(name);
        return Reflect.defineProperty(target, name, descriptor);
      },
      deleteProperty: (target, name) => {
        this.#need(name);
        this.#deleted.add(name);
        return deleteProperty(target, name);
      },
      preventExtensions(target) {
        reach();
        return Reflect.preventExtensions(target);
      },
      getPrototypeOf: () => PROTOTYPE,
      setPrototypeOf(target, prototype) {
        reach();
        return setPrototypeOf(target, prototype);
      },
    };
  }

  /** Of the object that is asked for what the arguments do not have. */
  #absentTraps() {
    const values = this.#values;
    return {
      get: (target, name, receiver) => Reflect.get(this.#need(name) ? values : target, name, receiver),
      has: (target, name) => Reflect.has(this.#need(name) ? values : target, name),
      /* A value is replaced whichever it was; only an inherited setter would make a difference. */
      set: (target, name, value, receiver) => {
        if (receiver !== this.proxy || name in target) {
          return Reflect.set(this.#need(name) ? values : target, name, value, receiver);
        }
        setOwn(values, name, value);
        return true;
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
