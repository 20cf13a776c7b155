'use strict';
/*
 * The interpreter: deep recursion, generators, proxies, exceptions, regular expressions, code made
 * at run time.
 */
const { createHash } = require('node:crypto');
const { writeSync } = require('node:fs');

const STEPS = 60;

function depth(n, value) {
  return n === 0 ? value : (depth(n - 1, value * 31 + n) ^ n) >>> 0;
}

function* walk(n) {
  for (let i = 0; i < n; i++) yield i % 3 === 0 ? yield* walk(i >> 2) : i;
  return n;
}

function thrown(n) {
  try {
    if (n % 5 === 0) throw new RangeError(`n ${n}`);
    return n;
  } catch (error) {
    return error.message.length;
  } finally {
    n++;
  }
}

const seen = new Proxy(
  {},
  {
    get: (target, key) => (target[key] ?? 0) + 1,
    set: (target, key, value) => Reflect.set(target, key, value),
  },
);
for (let step = 0; step < STEPS; step++) {
  const parts = [depth(3000, step)];
  for (const value of walk(40 + step)) parts.push(value ?? 'none');
  for (let i = 0; i < 400; i++) {
    parts.push(thrown(i));
    seen[`k${i % 17}`] = seen[`k${i % 17}`];
  }
  const make = new Function('x', `return x * ${step} + ${step % 7};`);
  parts.push(
    make(step),
    `step ${step} of ${STEPS}`.replace(/(\d+)(?= of)/g, (digits) => digits * 2),
  );
  parts.push(Object.entries(seen).join(';'));
  writeSync(1, `${step} ${createHash('md5').update(parts.join()).digest('hex')}\n`);
}
