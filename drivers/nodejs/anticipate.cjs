'use strict';
/*
 * Anticipatory optimisation: before the runtime snapshot is captured, do what functions
 * would all do first, so that no clone has to. anticipations.json declares what that is, in its order.
 */

const { readFileSync } = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises');

const { compileWhole } = require('./compile.cjs');
const { collectGarbage } = require('./garbage.cjs');

const LIST = path.join(__dirname, 'anticipations.json');
const ITEM_LIMIT_MS = 5000;
const SETTLE_LIMIT_MS = 2000;
/*
 * Of Node.js's own timers that do not hold the process: an HTTP server looks at its connections, a
 * TLS handshake takes too long.
 */
const UNHELD_MS = [30_000, 120_000];
const FILLING_SIZES = [64e3, 32e3, 16e3, 8e3, 4e3, 2e3, 1e3];
const FILLING_BYTES = 600e3;

/** Those about memory and V8; of memory, once nothing is open any more. */
const memory = {
  bytecode: () => v8.setFlagsFromString('--no-flush-bytecode'),
  whole: compileWhole,
  garbage: collectGarbage,
  filling: fillHeap,
};

/**
 * Runs every item but some; one that fails costs its effect, not the boot.
 * @param {string[]} except names
 */
async function anticipate(except) {
  const open = process.getActiveResourcesInfo().length;
  const exercises = require('./anticipations.cjs');
  for (const { name } of JSON.parse(readFileSync(LIST, 'utf8'))) {
    if (except.includes(name)) continue;
    try {
      if (name in exercises) await limited(exercises[name]());
      else await settle(open).then(memory[name]);
    } catch (error) {
      console.error(`anticipation "${name}" failed: ${error?.stack ?? error}`);
    }
  }
  await stopClock();
}

/**
 * The event loop's timer stays set for what was cleared, and would ring in each clone. Node.js
 * forgets a duration with the last timer of it that is cleared, if that held the process; and sets
 * the event loop's timer anew when one rings.
 */
async function stopClock() {
  for (const ms of UNHELD_MS) clearTimeout(setTimeout(() => {}, ms));
  await sleep(1);
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

const filling = [];

/**
 * Fills what the C heap has free in the middle: what a clone allocates then comes from its end, and lies
 * together, instead of dirtying a shared page here and there. No clone ever touches these buffers.
 */
function fillHeap() {
  for (const bytes of FILLING_SIZES) {
    for (let filled = 0; filled < FILLING_BYTES; filled += bytes) filling.push(Buffer.allocUnsafeSlow(bytes));
  }
}

module.exports = { anticipate };
