'use strict';
/* What functions get by require('seuss') or import 'seuss'. Outside of Seuss it does nothing. */

const CHECKPOINT = Symbol.for('seuss.checkpoint');

exports.checkpoint = function checkpoint(args) {
  const current = globalThis[CHECKPOINT]?.();
  return current === undefined ? args : current;
};
