'use strict';
/*
 * Whether code has made something that may go on by itself: a timer, an immediate, a request, a
 * socket. Node.js gives each the next of its numbers, so that to ask costs next to nothing.
 * Promises have none, unless somebody follows them.
 */

const { AsyncResource } = require('node:async_hooks');

/* User code may replace these. */
const { setImmediate } = globalThis;
const { nextTick } = process;

let last = 0;
/* The driver's own. */
let own = 0;

/** Calls `next` in the event loop's next turn. */
function inNextTurn(next) {
  own++;
  setImmediate(next);
}

/** Calls `next` when nothing waits for promises any more. */
function inNextTick(next) {
  own++;
  nextTick(next);
}

/** One of the driver's, in the present context of execution. */
function makeOwn() {
  own++;
  return new AsyncResource('SEUSS');
}

/** Whether anything else was made since the last call. */
function wereMade() {
  const id = makeOwn().asyncId();
  const made = id - last - own;
  last = id;
  own = 0;
  return made !== 0;
}

module.exports = { inNextTick, inNextTurn, makeOwn, wereMade };
