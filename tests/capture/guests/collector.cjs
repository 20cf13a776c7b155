'use strict';
/* The garbage collector, its helper threads included: graphs, maps, weak references, large objects, JSON. */
const { createHash } = require('node:crypto');
const { writeSync } = require('node:fs');

const STEPS = 40;

let seed = 7;
function random(limit) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed % limit;
}

const live = new Map();
const weak = [];
let list = null;
for (let step = 0; step < STEPS; step++) {
  for (let i = 0; i < 3000; i++) {
    const node = {
      id: step * 10_000 + i,
      text: `n${random(1e6)}`,
      parts: [random(9), random(9)],
      next: list,
    };
    list = i % 100 === 0 ? null : node;
    if (i % 3 === 0) live.set(random(5000), node);
    if (i % 7 === 0) live.delete(random(5000));
  }
  weak.push(new WeakRef({ big: new Array(5000).fill(step) }));
  const block = Buffer.alloc(300_000, step);
  const copy = JSON.parse(
    JSON.stringify([...live.values()].slice(-500), (key, value) => (key === 'next' ? undefined : value)),
  );
  const alive = weak.every((ref) => ref.deref() === undefined || ref.deref().big.length === 5000);
  const hash = createHash('sha1').update(block).update(JSON.stringify(copy)).update(`${live.size} ${alive}`);
  writeSync(1, `${step} ${hash.digest('hex')}\n`);
}
