'use strict';
/* Collects garbage on demand, which V8 offers only behind a flag; what was made while it was open works on. */

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

/** A full collection, twice since finalisers free more: what is garbage at a capture is stored and shared for ever. */
function collectGarbage() {
  gc();
  gc();
}

/** Of the young generation alone: what is allocated next begins at its start, far from the next collection. */
function collectYoungGarbage() {
  gc({ type: 'minor' });
}

module.exports = { collectGarbage, collectYoungGarbage };
