'use strict';
/*
 * The moment for an answer: when nothing that the run has begun is about to write. Most runs leave
 * nothing behind and are answered at once. Otherwise other threads and the event loop get a few
 * turns, and writes through the thread pool are waited for.
 */

const output = require('./output.cjs');
const { inNextTurn, wereMade } = require('./resources.cjs');

/* User code may replace these. */
const { clearTimeout, setTimeout } = globalThis;
const { getActiveResourcesInfo, stdout, stderr } = process;

/* What may write as soon as it gets its turn. */
const SOON = new Set(['Immediate', 'FSReqCallback', 'FSReqPromise', 'WriteWrap']);
const TURNS_MAX = 5;
/* Their console writes through this thread; they may be at rest. */
const TURNS_OF_WORKERS = 3;
const WRITES_MAX_MS = 100;

/** Whether something of that kind was there at the last look. */
let wasSoon = false;

/** How many turns there are to wait for what is left. */
function turnsWorth() {
  const made = wereMade();
  if (made) output.leaves();
  if (made || wasSoon) wasSoon = getActiveResourcesInfo().some((kind) => SOON.has(kind));
  if (wasSoon) return TURNS_MAX;
  return output.hasWorkers() ? TURNS_OF_WORKERS : 0;
}

class Lull {
  #channel;
  #onLull;
  #turns = 0;
  #turn = () => {
    this.#turns++;
    this.#look();
  };

  /** @param {() => void} onLull called once for each `wait` */
  constructor(channel, onLull) {
    this.#channel = channel;
    this.#onLull = onLull;
  }

  wait() {
    this.#turns = 0;
    this.#look();
  }

  #look() {
    const full = stdout.writableLength > 0 ? stdout : stderr.writableLength > 0 ? stderr : undefined;
    if (full !== undefined) {
      full.once('drain', () => this.#look());
    } else if (this.#turns < turnsWorth()) {
      this.#channel.letOthersRun();
      inNextTurn(this.#turn);
    } else if (output.isWriting()) {
      this.#waitForWrites();
    } else {
      this.#onLull();
    }
  }

  #waitForWrites() {
    const end = () => {
      clearTimeout(timer);
      output.whenWritten(undefined);
      this.#onLull();
    };
    const timer = setTimeout(end, WRITES_MAX_MS);
    output.whenWritten(end);
  }
}

module.exports = { Lull };
