'use strict';
/* The environment that messages set: only what changed is written, since each setenv(3) copies and dirties memory. */

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

module.exports = { setRunEnvironment, setActionEnvironment };
