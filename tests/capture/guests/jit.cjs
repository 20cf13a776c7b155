'use strict';
/* Optimised code: floating point, typed arrays, big integers, strings. */
const { createHash } = require('node:crypto');
const { writeSync } = require('node:fs');

const STEPS = 60;
const SIZE = 40;

function multiply(a, b, c) {
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += a[i * SIZE + k] * b[k * SIZE + j];
      c[i * SIZE + j] = sum - Math.floor(sum);
    }
  }
}

function mix(words, seed) {
  let state = seed | 0;
  for (let i = 0; i < 60_000; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i & 1023] ^= state >>> (i & 7);
  }
  return state >>> 0;
}

let a = Float64Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i));
let c = new Float64Array(SIZE * SIZE);
const words = new Uint32Array(1024);
let big = 3n;
let text = '';
for (let step = 0; step < STEPS; step++) {
  multiply(a, a, c);
  [a, c] = [c, a];
  const state = mix(words, step);
  big = (big * big + BigInt(state)) % (2n ** 521n - 1n);
  text = (text + String.fromCharCode(97 + (state % 26)).repeat(state % 50)).slice(-2000);
  const hash = createHash('sha256').update(a).update(words).update(big.toString(36)).update(text);
  writeSync(1, `${step} ${hash.digest('hex')}\n`);
}
