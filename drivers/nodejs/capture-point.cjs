'use strict';
/*
 * The place of a run where the node captures the UC: the driver says that it is parked, and reads the
 * next message with the function's whole stack below it. The run goes on in the UC and in every clone,
 * each with the arguments that its message brings.
 */

const { observe } = require('./observe.cjs');
const { setRunEnvironment, watchEnvironment } = require('./environment.cjs');

class CapturePoint {
  #park;
  #onResume;
  #observation = observe();
  #passed = false;

  /**
   * @param {(observed: string[]) => { value: object, env: object }} park says so to the node, and
   *   waits for the message with which the run goes on
   * @param {(value: object) => void} onResume takes the arguments
   */
  constructor(park, onResume) {
    this.#park = park;
    this.#onResume = onResume;
  }

  /** Parks, the first time. */
  reach() {
    if (this.#passed) return;
    const { value, env } = this.#park(this.leave());
    setRunEnvironment(env);
    this.#onResume(value);
  }

  /** The run goes by without parking. Returns what was observed until now. */
  leave() {
    this.#passed = true;
    watchEnvironment(undefined);
    return this.#observation.end();
  }
}

module.exports = { CapturePoint };
