// The engine: JIT, deoptimisation, WebAssembly and its traps, big heaps, weak references, regular
// expressions, Intl.
function work(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + i * i) % 1_000_003;
  return sum;
}
for (let i = 0; i < 200; i++) work(1000);
console.log(work(3_000_000));
const add = (a, b) => a + b;
for (let i = 0; i < 50_000; i++) add(i, 1);
console.log(add('text', 1), add(1n, 2n), add(0.5, 0.25));

// (module (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
//  (memory 1) (func (export "load") (param i32) (result i32) local.get 0 i32.load))
const module = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 12, 2, 96, 2, 127, 127, 1, 127, 96, 1, 127, 1, 127, 3, 3, 2, 0, 1, 5, 3, 1,
  0, 1, 7, 14, 2, 3, 100, 105, 118, 0, 0, 4, 108, 111, 97, 100, 0, 1, 10, 17, 2, 7, 0, 32, 0, 32, 1, 109, 11,
  7, 0, 32, 0, 40, 2, 0, 11,
]);
const { exports } = (await WebAssembly.instantiate(module)).instance;
console.log(exports.div(42, 5), exports.load(0));
for (const trap of [
  () => exports.div(1, 0),
  () => exports.div(-(2 ** 31), -1),
  () => exports.load(70_000),
  () => exports.load(-8),
]) {
  try {
    trap();
  } catch (error) {
    console.log(error.constructor.name, error.message);
  }
}
const recurse = (n) => 1 + recurse(n + 1);
try {
  recurse(0);
} catch (error) {
  console.log(error.constructor.name);
}
const kept = [];
for (let i = 0; i < 60; i++) kept.push(new Array(100_000).fill(i));
kept.length = 10;
for (let i = 0; i < 400; i++) new Array(100_000).fill(i);
console.log(kept.map((array) => array[0]).join(), process.memoryUsage().heapUsed > 1e6);
console.log(new ArrayBuffer(64 << 20).byteLength, Buffer.alloc(10 << 20, 1).at(-1));
console.log(
  /^(?<year>\d{4})-(?<month>\d\d)/u.exec('2024-02-29').groups.month,
  'aaa'.replace(/(?<=a)a/g, 'b'),
  /(a+)+$/.test('a'.repeat(25)),
);
console.log(new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }).format(1234.5));
console.log(
  new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'full',
    timeStyle: 'long',
    timeZone: 'America/New_York',
  }).format(0),
);
console.log(
  ['z', 'ä', 'a'].sort(new Intl.Collator('de').compare),
  new Intl.PluralRules('en', { type: 'ordinal' }).select(3),
);
console.log(structuredClone(new Map([[{ a: 1 }, new Set([2n])]])), new Date(2024, 1, 29).toString());
