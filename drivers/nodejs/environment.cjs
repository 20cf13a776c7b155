'use strict';
/*
 * The environment that messages set: only what changed is written, since each setenv(3) copies and
 * dirties memory.
 */

const { syncBuiltinESMExports } = require('node:module');

/* Variables of an invocation; every other one is the action's. */
const RUN_PREFIX = '__OW_';

/** What the last message set. */
let current = {};

/**
 * Sets the variables of a run, and removes those of the run before that this one does not have
 * (an API key, say).
 * @param {Record<string, string>} [next]
 */
function setRunEnvironment(next = {}) {
  for (const name in current) {
    if (next[name] === undefined) delete process.env[name];
  }
  for (const name in next) {
    if (current[name] !== next[name]) process.env[name] = next[name];
  }
  current = next;
}

/** Sets variables for good: those of the action itself. */
function setActionEnvironment(variables = {}) {
  for (const name in variables) process.env[name] = variables[name];
}

/** @type {(() => void) | undefined} */
let onRunVariable;

/** Calls `listener` before the next use of a variable of the invocation, or of the variables' names. */
function watchEnvironment(listener) {
  onRunVariable = listener;
}

const need = (name) => {
  if (onRunVariable !== undefined && typeof name === 'string' && name.startsWith(RUN_PREFIX)) onRunVariable();
};

/** Makes `process.env` watchable. Before the function's code is loaded, which may take hold of it. */
function makeEnvironmentWatchable() {
  process.env = new Proxy(process.env, {
    get(target, name) {
      need(name);
      return Reflect.get(target, name);
    },
    has(target, name) {
      need(name);
      return Reflect.has(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      need(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    /* The variables are the interpreter's: assignment must not define a property of the proxy. */
    set(target, name, value) {
      need(name);
      return Reflect.set(target, name, value);
    },
    deleteProperty(target, name) {
      need(name);
      return Reflect.deleteProperty(target, name);
    },
    ownKeys(target) {
      onRunVariable?.();
      return Reflect.ownKeys(target);
    },
  });
  syncBuiltinESMExports();
}

module.exports = {
  setRunEnvironment,
  setActionEnvironment,
  watchEnvironment,
  makeEnvironmentWatchable,
};
