'use strict';
/*
 * Collects garbage on demand, which V8 offers only behind a flag; what was made while it was open
 * works on.
 */

const v8 = require('node:v8');
const vm = require('node:vm');

function collector() {
  v8.setFlagsFromString('--expose-gc');
  try {
    return vm.runInNewContext('gc');
  } finally {
    v8.setFlagsFromString('--no-expose-gc');
  }
}

const gc = collector();

/*
 * How much the heap may grow before V8 begins the next collection. Its own measure is reached
 * before the capture, which then finds V8 in the middle of marking, or about to: each clone goes on
 * with that, and writes a thousand pages more.
 */
const GROWTH_PERCENT = 500;

/**
 * A full collection, twice since finalisers free more: what is garbage at a capture is stored and
 * shared for ever.
 */
function collectGarbage() {
  gc();
  v8.setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  gc();
  v8.setFlagsFromString('--heap-growing-percent=0');
}

/**
 * Of the young generation alone: what is allocated next begins at its start, far from the next
 * collection.
 */
function collectYoungGarbage() {
  gc({ type: 'minor' });
}

module.exports = { collectGarbage, collectYoungGarbage };
