'use strict';
/*
 * The main loop: one blocking read, one message, one answer. Between two messages the
 * event loop makes a turn, so that what a function left behind (timers due, sockets, promises) goes on.
 */

const { PendingArguments, refill } = require('./arguments.cjs');
const { CapturePoint } = require('./capture-point.cjs');
const { installCloning, registerProxy } = require('./clone.cjs');
const { compile, compiling } = require('./compile.cjs');
const draws = require('./draws.cjs');
const {
  makeEnvironmentWatchable,
  setActionEnvironment,
  setRunEnvironment,
  watchEnvironment,
} = require('./environment.cjs');
const { collectYoungGarbage } = require('./garbage.cjs');
const { load } = require('./load.cjs');
const { Lull } = require('./lull.cjs');
const outcome = require('./outcome.cjs');
const output = require('./output.cjs');
const { reseed } = require('./reseed.cjs');
const { inNextTick, inNextTurn } = require('./resources.cjs');

/* User code may replace these (fake timers, say). */
const { parse, stringify } = JSON;

const NEVER_SETTLES =
  'The action did not return: its promise is pending and nothing is left to run that could settle it.';

/**
 * A run whose result is awaited.
 * @typedef {{
 *   id: number, value: object, point: CapturePoint | undefined, late: boolean, asked: boolean
 * }} Run `id`: changes when it goes on for another invocation; `value`: what main was called with;
 *   `late`: it reaches its capture point before its answer, if it did not before; `asked`: it
 *   called checkpoint() for nothing
 */

class Server {
  #channel;
  #onEnd;
  #log;
  /** @type {import('./load.cjs').Entry | undefined} */
  #entry;
  /** @type {Run | undefined} */
  #running;
  /**
   * What the last run has drawn is counted before the next one: a clone that serves one run alone
   * does without.
   */
  #isUncounted = false;
  /** The end of the next answer. */
  #seeded = '';
  /** The next answer, until it is sent. */
  #unsent = '';
  #lull;
  #next = () => this.#serveOne();
  #wait = () => this.#lull.wait();

  /**
   * @param {() => void} onEnd called at the end of file, which only tests and anticipation see
   * @param {(text: string) => void} log takes what is of use to the author of the function
   */
  constructor(channel, onEnd, log) {
    this.#channel = channel;
    this.#onEnd = onEnd;
    this.#log = log;
    this.#lull = new Lull(channel, () => this.#send());
  }

  start() {
    inNextTurn(this.#next);
  }

  /** Answers a run that can never end by itself, since the event loop ran dry. */
  giveUp() {
    if (this.#running !== undefined) this.#finish(this.#running, outcome.developerError, NEVER_SETTLES);
  }

  /** The program ends, by what code did that the answer waited for. */
  ending() {
    if (this.#unsent !== '') this.#channel.writeLine(`${this.#unsent.slice(0, -1)},"ending":true}`);
  }

  /**
   * The function calls checkpoint(): its arguments, maybe after a stop; undefined when none of its
   * runs is on.
   */
  checkpoint() {
    const run = this.#running;
    if (run?.point === undefined) {
      if (run !== undefined) run.asked = true;
    } else {
      run.point.reach();
    }
    return run?.value;
  }

  #serveOne() {
    const message = this.#receive();
    if (message === undefined) return this.#onEnd();
    if (message.op === 'run') this.#run(message);
    else if (message.op === 'init') this.#init(message);
    else if (message.op === 'specialize') this.#specialize(message);
    else if (message.op === 'collect') this.#collect();
    else if (message.op === 'examine') this.#examine();
    else throw new Error(`unknown message "${message.op}"`);
  }

  #receive() {
    const line = this.#channel.readLine();
    if (line === undefined) return undefined;
    const message = parse(line);
    this.#seeded = '';
    if (message.seed !== undefined) {
      reseed(message.seed);
      this.#seeded = ',"seeded":true';
    }
    return message;
  }

  async #init(message) {
    setActionEnvironment(message.env);
    if (message.specialize === true) {
      makeEnvironmentWatchable();
      installCloning();
    }
    draws.beginLoad();
    try {
      this.#entry = await compiling(() => load(message));
      compile(this.#entry.target);
      draws.endLoad();
      this.#answer(`{"op":"ready"${this.#seeded}}`);
    } catch (reason) {
      const text = `Initialization has failed due to: ${outcome.trace(reason)}`;
      this.#answer(`{"op":"failed","error":${stringify(text)}${this.#seeded}}`);
    }
  }

  /**
   * Before a capture: the environment of the last run is no part of a snapshot. The young
   * generation is collected, so that first runs of clones do not have to; a full collection would
   * write thousands of pages that a clone shares.
   */
  #collect() {
    if (this.#isUncounted) draws.endRun();
    this.#isUncounted = false;
    const drawn = draws.hasDrawn();
    setRunEnvironment();
    draws.letGo();
    collectYoungGarbage();
    this.#answer(`{"op":"collected","drawn":${drawn}${this.#seeded}}`);
  }

  /** Of a clone of what was captured then. */
  async #examine() {
    const shared = await draws.examine();
    this.#answer(`{"op":"examined","shared":${stringify(shared)}${this.#seeded}}`);
  }

  #run(message) {
    setRunEnvironment(message.env);
    const run = { id: message.id, value: message.value, point: undefined, late: false, asked: false };
    if (message.checkpoint === true) {
      run.point = this.#capturePoint(run, (all) => {
        run.value = refill(run.value, all);
      });
    }
    this.#call(run);
  }

  /** Runs the function with the arguments that are fixed, up to where it needs another one. */
  #specialize(message) {
    setRunEnvironment();
    const run = { id: message.id, value: undefined, point: undefined, late: true, asked: false };
    const reach = () => run.point.reach();
    const pending = new PendingArguments(message.value, reach);
    run.value = pending.proxy;
    run.point = this.#capturePoint(run, (all) => pending.fill(all));
    registerProxy(pending, reach);
    watchEnvironment(reach);
    this.#call(run);
  }

  /** @param {(all: object) => void} fill takes the arguments with which the run goes on */
  #capturePoint(run, fill) {
    const park = (observed) => {
      this.#channel.writeLine(
        `{"op":"parked","id":${run.id},"observed":${stringify(observed)}${this.#seeded}}`,
      );
      const message = this.#receive();
      if (message?.op !== 'resume') throw new Error(`"${message?.op}" for a parked run`);
      run.id = message.id;
      return message;
    };
    return new CapturePoint(park, fill);
  }

  #call(run) {
    if (this.#isUncounted) draws.endRun();
    this.#isUncounted = true;
    this.#running = run;
    let value;
    try {
      if (this.#entry === undefined) throw new Error('System not initialized.');
      value = output.callWithin(run, this.#entry.target, this.#entry.owner, [run.value]);
    } catch (reason) {
      this.#log(outcome.trace(reason));
      return this.#finish(run, outcome.thrown, reason);
    }
    this.#settle(run, value);
  }

  /** Even a plain value takes a turn of the microtask queue: what the function queued goes first. */
  async #settle(run, promise) {
    let make = outcome.rejected;
    let value;
    try {
      value = await promise;
      make = outcome.returned;
    } catch (reason) {
      value = reason;
    }
    /* A run that was given up may settle later after all. */
    if (this.#running === run) this.#finish(run, make, value);
  }

  #finish(run, make, value) {
    if (run.late) run.point.reach();
    else run.point?.leave();
    let result;
    try {
      result = make(value);
    } catch (reason) {
      result = outcome.rejected(reason);
    }
    this.#running = undefined;
    const asked = run.asked ? ',"checkpoint":true' : '';
    this.#answer(`{"op":"result","id":${run.id},"status":${result}${asked}${this.#seeded}}`);
  }

  /** What the function has begun to write to stdout and stderr comes before the answer. */
  #answer(line) {
    this.#unsent = line;
    /* All that waits for promises goes first. */
    inNextTick(this.#wait);
  }

  #send() {
    const line = this.#unsent;
    this.#unsent = '';
    this.#channel.writeLine(line);
    output.answered();
    inNextTurn(this.#next);
  }
}

module.exports = { Server };
