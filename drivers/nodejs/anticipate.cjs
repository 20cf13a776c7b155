'use strict';
/*
 * Anticipatory optimisation: before the runtime snapshot is captured, do what functions
 * would all do first, so that no clone has to. anticipations.cjs declares what that is.
 */

const v8 = require('node:v8');
const vm = require('node:vm');
const { setImmediate: turn } = require('node:timers/promises');

const ITEM_LIMIT_MS = 5000;
const SETTLE_LIMIT_MS = 2000;

/** Runs every item; one that fails costs its effect, not the boot. */
async function anticipate() {
  /* Idle bytecode would be dropped by the collections below, and compiled again in each clone. */
  v8.setFlagsFromString('--no-flush-bytecode');
  const open = process.getActiveResourcesInfo().length;
  for (const { name, run } of require('./anticipations.cjs').items) {
    try {
      await limited(run());
    } catch (error) {
      console.error(`anticipation "${name}" failed: ${error?.stack ?? error}`);
    }
  }
  await settle(open);
  collectGarbage();
}

async function limited(work) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ITEM_LIMIT_MS} ms`)), ITEM_LIMIT_MS);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Until what was opened is closed again: a snapshot must hold no timer and no socket. */
async function settle(open) {
  const end = performance.now() + SETTLE_LIMIT_MS;
  do await turn();
  while (process.getActiveResourcesInfo().length > open && performance.now() < end);
}

/** A full collection, twice since finalisers free more: what is garbage now would be stored and shared for ever. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  gc();
  gc();
}

module.exports = { anticipate };
