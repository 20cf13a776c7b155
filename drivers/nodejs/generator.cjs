'use strict';
/* xoshiro128** 1.1 (Blackman and Vigna): Math.random as a generator that can be seeded. */

const CACHE_VALUES = 64;
/* Two outputs make the 53 bits of a double. */
const HIGH = 67108864;
const SCALE = 9007199254740992;

class Generator {
  #state = new Uint32Array(4);
  #cache = new Float64Array(CACHE_VALUES);
  #cached = 0;
  #filled = 0;

  /** @param {ArrayLike<number>} words four of 32 bits */
  seed(words) {
    const state = this.#state;
    for (let i = 0; i < state.length; i++) state[i] = words[i];
    /* The one state from which the generator does not move. */
    if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 1;
    this.#filled -= this.#cached;
    this.#cached = 0;
  }

  next() {
    if (this.#cached === 0) this.#refill();
    return this.#cache[--this.#cached];
  }

  /** How many values it has given. */
  get drawn() {
    return this.#filled - this.#cached;
  }

  #refill() {
    const state = this.#state;
    let s0 = state[0] | 0;
    let s1 = state[1] | 0;
    let s2 = state[2] | 0;
    let s3 = state[3] | 0;
    for (let i = 0; i < CACHE_VALUES; i++) {
      let high = 0;
      let low = 0;
      for (let half = 0; half < 2; half++) {
        const x = Math.imul(s1, 5);
        high = low;
        low = Math.imul((x << 7) | (x >>> 25), 9);
        const t = s1 << 9;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = (s3 << 11) | (s3 >>> 21);
      }
      this.#cache[i] = ((high >>> 5) * HIGH + (low >>> 6)) / SCALE;
    }
    state[0] = s0;
    state[1] = s1;
    state[2] = s2;
    state[3] = s3;
    this.#cached = CACHE_VALUES;
    this.#filled += CACHE_VALUES;
  }
}

module.exports = { Generator };
