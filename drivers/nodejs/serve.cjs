'use strict';
/*
 * The main loop: one blocking read, one message, one answer. Between two messages the
 * event loop makes a turn, so that what a function left behind (timers due, sockets, promises) goes on.
 */

const { compile } = require('./compile.cjs');
const { setRunEnvironment, setActionEnvironment } = require('./environment.cjs');
const { collectGarbage } = require('./garbage.cjs');
const { load } = require('./load.cjs');
const outcome = require('./outcome.cjs');
const { reseed } = require('./reseed.cjs');

/* User code may replace these (fake timers, say). */
const { parse, stringify } = JSON;
const { apply } = Reflect;
const { setImmediate } = globalThis;
const { stdout, stderr } = process;

const NEVER_SETTLES =
  'The action did not return: its promise is pending and nothing is left to run that could settle it.';

class Server {
  #channel;
  #onEnd;
  #log;
  /** @type {import('./load.cjs').Entry | undefined} */
  #entry;
  /** Id of the run whose result is awaited, and the end of its answer. */
  #running;
  #seeded = '';
  #next = () => this.#serveOne();

  /**
   * @param {() => void} onEnd called at the end of file, which only tests and anticipation see
   * @param {(text: string) => void} log takes what is of use to the author of the function
   */
  constructor(channel, onEnd, log) {
    this.#channel = channel;
    this.#onEnd = onEnd;
    this.#log = log;
  }

  start() {
    setImmediate(this.#next);
  }

  /** Answers a run that can never end by itself, since the event loop ran dry. */
  giveUp() {
    if (this.#running !== undefined) this.#finish(outcome.developerError(NEVER_SETTLES));
  }

  #serveOne() {
    const line = this.#channel.readLine();
    if (line === undefined) return this.#onEnd();
    const message = parse(line);
    this.#seeded = '';
    if (message.seed !== undefined) {
      reseed(message.seed);
      this.#seeded = ',"seeded":true';
    }
    if (message.op === 'run') this.#run(message);
    else if (message.op === 'init') this.#init(message);
    else if (message.op === 'collect') this.#collect();
    else throw new Error(`unknown message "${message.op}"`);
  }

  async #init(message) {
    setActionEnvironment(message.env);
    try {
      this.#entry = await load(message);
      compile(this.#entry.target);
      this.#answer(`{"op":"ready"${this.#seeded}}`);
    } catch (reason) {
      const text = `Initialization has failed due to: ${outcome.trace(reason)}`;
      this.#answer(`{"op":"failed","error":${stringify(text)}${this.#seeded}}`);
    }
  }

  /** Before a capture: what the last run left behind, its environment too, is no part of a snapshot. */
  #collect() {
    setRunEnvironment();
    collectGarbage();
    this.#answer(`{"op":"collected"${this.#seeded}}`);
  }

  #run(message) {
    this.#running = message.id;
    setRunEnvironment(message.env);
    let value;
    try {
      if (this.#entry === undefined) throw new Error('System not initialized.');
      value = apply(this.#entry.target, this.#entry.owner, [message.value]);
    } catch (reason) {
      this.#log(outcome.trace(reason));
      return this.#finish(outcome.thrown(reason));
    }
    this.#settle(message.id, value);
  }

  /** Even a plain value takes a turn of the microtask queue: what the function queued goes first. */
  async #settle(id, promise) {
    let result;
    try {
      result = outcome.returned(await promise);
    } catch (reason) {
      result = outcome.rejected(reason);
    }
    /* A run that was given up may settle later after all. */
    if (this.#running === id) this.#finish(result);
  }

  #finish(result) {
    const id = this.#running;
    this.#running = undefined;
    this.#answer(`{"op":"result","id":${id},"status":${result}${this.#seeded}}`);
  }

  /** What the function wrote to stdout and stderr comes before the answer. */
  #answer(line) {
    const busy = stdout.writableLength > 0 ? stdout : stderr.writableLength > 0 ? stderr : undefined;
    if (busy !== undefined) {
      busy.once('drain', () => this.#answer(line));
      return;
    }
    this.#channel.writeLine(line);
    setImmediate(this.#next);
  }
}

module.exports = { Server };
