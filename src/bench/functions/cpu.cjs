// CPU-bound tasks; each is run once to warm up, then timed.
const { createHash } = require('node:crypto');

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

const record = {
  id: 1,
  name: 'x'.repeat(40),
  tags: ['a', 'b', 'c'],
  nested: { deep: { list: [1, 2, 3.5] } },
};
const records = JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ ...record, id })));
const text = 'The quick brown fox <fox@example.org> jumps over 12 lazy dogs on 2026-11-21. '.repeat(4000);

const tasks = {
  fib: () => fib(32),
  json: () => {
    for (let i = 0; i < 20; i++) JSON.stringify(JSON.parse(records));
  },
  crypto: () => {
    const block = Buffer.alloc(1 << 20, 7);
    for (let i = 0; i < 100; i++) createHash('sha256').update(block).digest();
  },
  regex: () => {
    for (let i = 0; i < 20; i++) text.match(/[\w.]+@[\w.]+|\d{4}-\d{2}-\d{2}|\bl\w+y\b/g);
  },
};

exports.main = ({ task }) => {
  tasks[task]();
  const start = performance.now();
  tasks[task]();
  return { ms: performance.now() - start };
};
