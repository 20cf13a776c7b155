import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { bootWithModules, check, specialized } from './arguments.ts';

const ALL = { b: 2, a: 1, c: { d: [3] } };

/** Uses of the arguments `p`, of which `a` is fixed, and what they come to with all of ALL. */
const USES: readonly [string, string, JsonValue][] = [
  ['another key', 'p.b', 2],
  ['a key that nobody gave', 'String(p.nothing)', 'undefined'],
  ['a nested one', 'p.c.d[0]', 3],
  ['destructuring', '(({ b }) => b)(p)', 2],
  ['destructuring with a default', '(({ a, z = 9, b = 8 }) => [a, z, b])(p)', [1, 9, 2]],
  ['destructuring of the rest', '(({ a, ...rest }) => rest)(p)', { b: 2, c: { d: [3] } }],
  ['in', '["a" in p, "b" in p, "z" in p]', [true, true, false]],
  ['hasOwnProperty', '[p.hasOwnProperty("b"), Object.hasOwn(p, "z")]', [true, false]],
  ['keys', 'Object.keys(p)', ['b', 'a', 'c']],
  ['for in', '(() => { const k = []; for (const n in p) k.push(n); return k })()', ['b', 'a', 'c']],
  ['entries', 'Object.entries(p).length', 3],
  ['spread', '({ ...p, z: 1 })', { ...ALL, z: 1 }],
  ['assign', 'Object.assign({ z: 1 }, p)', { ...ALL, z: 1 }],
  ['JSON', 'JSON.stringify(p)', JSON.stringify(ALL)],
  ['structuredClone', 'structuredClone(p)', ALL],
  ['structuredClone of what holds it', 'structuredClone({ list: [p, p] })', { list: [ALL, ALL] }],
  ['v8.serialize', 'require("v8").deserialize(require("v8").serialize(p))', ALL],
  ['deletion', '[delete p.b, Object.keys(p)]', [true, ['a', 'c']]],
  ['a descriptor', 'Object.getOwnPropertyDescriptor(p, "b").value', 2],
  ['freezing', 'Object.keys(Object.freeze(p)).length', 3],
  ['formatting', 'require("util").inspect(p)', '{ b: 2, a: 1, c: { d: [ 3 ] } }'],
  [
    'formatting of what holds it',
    'require("util").format("%j %s", { p }, 1)',
    `${JSON.stringify({ p: ALL })} 1`,
  ],
  ['comparison', 'require("util").isDeepStrictEqual({ ...p }, { b: 2, a: 1, c: { d: [3] } })', true],
  ['text', 'String(p)', '[object Object]'],
  ['Map and Set', '[...new Map(Object.entries(p)).keys()]', ['b', 'a', 'c']],
  ['inheritance', 'Object.create(p).b', 2],
  ['query strings', 'new URLSearchParams({ ...p, c: 3 }).toString()', 'b=2&a=1&c=3'],
];

describe('a specialised run in the Node.js driver', () => {
  for (const [title, expression, value] of USES) {
    it(`parks before ${title}`, () =>
      check(
        'nodejs',
        `function main(p) { step(p.a); const value = ${expression}; step("late"); return { value } }`,
        { fixed: { a: 1 }, all: ALL },
        ['1'],
        { value },
      ));
  }

  const places: readonly [string, string][] = [
    ['an async function', 'async function main(p) { await null; step("x"); return { v: p.b } }'],
    [
      'nested promises',
      'function main(p) { return Promise.resolve().then(() => Promise.all([1, 2].map(async (n) => { await null; if (n === 1) step("x"); return p.b }))).then(([v]) => ({ v })) }',
    ],
    [
      'a callback',
      'function main(p) { return new Promise((done) => require("fs").stat("/", () => { step("x"); done({ v: p.b }) })) }',
    ],
    [
      'a timer',
      'function main(p) { return new Promise((done) => setTimeout(() => { step("x"); done({ v: p.b }) }, 5)) }',
    ],
    [
      'a generator',
      'function* g(p) { step("x"); yield p.b } function main(p) { return { v: [...g(p)][0] } }',
    ],
    [
      'an async generator',
      'async function* g(p) { await null; step("x"); yield p.b } async function main(p) { for await (const v of g(p)) return { v } }',
    ],
    [
      'a class',
      'class A { constructor(p) { step("x"); this.v = p.b } } const main = (p) => ({ ...new A(p) });',
    ],
    ['a closure that was kept', 'let f; function main(p) { f = () => p.b; step("x"); return { v: f() } }'],
    [
      'a recursion',
      'const f = (p, n) => n ? f(p, n - 1) : (step("x"), p.b); const main = (p) => ({ v: f(p, 500) });',
    ],
    [
      'a handler of a thrown error',
      'function main(p) { try { throw 1 } catch { step("x"); return { v: p.b } } finally { p.a } }',
    ],
  ];
  for (const [title, source] of places) {
    it(`parks in ${title}`, () => check('nodejs', source, { fixed: { a: 1 }, all: ALL }, ['x'], { v: 2 }));
  }

  it('parks before its answer when it needs nothing else', () =>
    check(
      'nodejs',
      'async function main({ a }) { step("x"); return { a } }',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      {
        a: 1,
      },
    ));

  it('parks when it answers with its arguments', () =>
    check(
      'nodejs',
      'const main = async (p) => { p.z = 1; step("x"); return p };',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      {
        ...ALL,
        z: 1,
      },
    ));

  it('parks before the answer of an error', async () => {
    await check(
      'nodejs',
      'function main() { step("x"); throw new Error("no") }',
      {},
      ['x'],
      { error: 'An error has occurred: Error: no' },
      'developer_error',
    );
    const { steps, answer } = await specialized(
      'nodejs',
      'async function main(p) { step("x"); if (p.b) throw { code: p.b } }',
      { all: ALL },
    );
    assert.deepEqual(
      [steps, answer.status, answer.value],
      [['x'], 'application_error', { error: { code: 2 } }],
    );
  });

  it('parks before it is given up', async () => {
    const { steps, answer } = await specialized(
      'nodejs',
      'const main = () => { step("x"); return new Promise(() => {}) };',
      {},
    );
    assert.deepEqual([steps, answer.status], [['x'], 'developer_error']);
  });

  it('keeps what the function changed before', () =>
    check(
      'nodejs',
      `function main(p) {
         p.a.push(2); p.new = 1; p.b = "own"; p["7"] = 7; delete p.gone; Object.defineProperty(p, "late", { value: 5, enumerable: true, writable: true, configurable: true });
         step(Object.hasOwn(p, "gone") + "," + p.gone);
         return { all: p, names: Object.keys(p) }
       }`,
      { fixed: { a: [1], gone: 1 }, all: { z: 0, b: 2, gone: 1, a: [1], c: 3 } },
      ['false,undefined'],
      {
        all: { 7: 7, z: 0, b: 'own', a: [1, 2], c: 3, new: 1, late: 5 },
        names: ['7', 'z', 'b', 'a', 'c', 'new', 'late'],
      },
    ));

  it('takes arguments of any name', () => {
    const all = JSON.parse('{"__proto__":{"x":1},"then":1,"toString":2,"constructor":3,"a":4}') as JsonObject;
    return check(
      'nodejs',
      'async function main(p) { step(p.a); return { own: Object.keys(p), next: p.then, text: p.toString, proto: p.__proto__.x } }',
      { fixed: { a: 4 }, all },
      ['4'],
      { own: ['__proto__', 'then', 'toString', 'constructor', 'a'], next: 1, text: 2, proto: 1 },
    );
  });

  it('parks before a variable of the invocation, not before another', async () => {
    const env = { __OW_ACTIVATION_ID: 'x' };
    const forms: [string, JsonValue][] = [
      ['process.env.__OW_ACTIVATION_ID', 'x'],
      ['(({ __OW_ACTIVATION_ID: id }) => id)(process.env)', 'x'],
      ['"__OW_ACTIVATION_ID" in process.env', true],
      ['Object.keys(process.env).includes("__OW_ACTIVATION_ID")', true],
      ['({ ...process.env }).__OW_ACTIVATION_ID', 'x'],
      ['require("process").env.__OW_ACTIVATION_ID', 'x'],
    ];
    for (const [expression, value] of forms) {
      const source = `function main() { step(String(process.env.NOTHING)); const v = ${expression}; step("late"); return { v } }`;
      await check('nodejs', source, { env }, ['undefined'], { v: value });
    }
  });

  it('says what it used that is new in each run', async () => {
    const source = `const { randomBytes, randomUUID } = require("crypto");
      async function main({ use }) {
        if (use === "time") { new Date(); Date.now(); new Date(0); performance.now(); process.hrtime.bigint(); process.hrtime() }
        if (use === "math") Math.random();
        if (use === "crypto") { randomBytes(4); randomUUID(); crypto.getRandomValues(new Uint8Array(1)); await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]) }
        if (use === "net") await new Promise((done) => require("net").connect(1, "127.0.0.1").on("error", done));
        return { same: Date === new Date().constructor && new Date() instanceof Date };
      }`;
    const observed = async (use: string) => {
      const { parked, answer } = await specialized('nodejs', source, { fixed: { use }, all: { use } });
      assert.deepEqual(answer.value, { same: true });
      return parked.observed;
    };
    assert.deepEqual(await observed('math'), ['time: Date', 'random: Math.random']);
    assert.deepEqual(await observed('time'), [
      'time: Date',
      'time: Date.now',
      'time: performance.now',
      'time: process.hrtime',
    ]);
    assert.deepEqual(await observed('crypto'), [
      'random: crypto.randomBytes',
      'random: crypto.randomUUID',
      'random: crypto.getRandomValues',
      'random: crypto.subtle.generateKey',
      'time: Date',
    ]);
    assert.deepEqual(await observed('net'), ['network: net', 'time: Date']);
  });

  it('leaves the driver as it was', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load(
      'function main(p) { return { keys: Object.keys(p), date: Date.now.name + require("util").inspect(Date), own: process.env.__OW_X } }',
      { specialize: true },
    );
    const { value: first } = await driver.run({ a: 1 }, { __OW_X: '1' });
    await driver.specialize({});
    assert.deepEqual((await driver.resume({ a: 1 }, { __OW_X: '1' })).value, first);
    assert.deepEqual((await driver.run({ a: 1 }, { __OW_X: '1' })).value, first);
  });

  it('that ends the program does not answer', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load('function main() { process.exit(3) }', { specialize: true });
    driver.send({ op: 'specialize', id: 1, value: {} });
    assert.equal(await driver.ended(), 3);
  });
});

describe('checkpoint() in the Node.js driver', () => {
  const source = `const { checkpoint } = require("seuss");
    const early = String(checkpoint()) + checkpoint(7);
    async function helper() { await null; return checkpoint() }
    let runs = 0;
    exports.main = async (params) => {
      runs++;
      const { x } = params;
      const rows = [];
      for (let i = 0; i < 3; i++) rows.push((await helper()).x);
      return { early, runs, before: x, rows, same: params.x, again: checkpoint(params) === params, env: process.env.__OW_X };
    }`;

  it('parks the first time in a run that asks for it', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load(source);
    driver.send({ op: 'run', id: 1, value: { x: 1, y: 1 }, env: { __OW_X: '1' }, checkpoint: true });
    assert.deepEqual(await driver.receive(), { op: 'parked', id: 1, observed: [] });
    const answer = await driver.resume({ x: 2 }, { __OW_X: '2' });
    assert.deepEqual(answer.value, {
      early: 'undefined7',
      runs: 1,
      before: 1,
      rows: [2, 2, 2],
      same: 2,
      again: true,
      env: '2',
    });
    assert.equal(answer.checkpoint, undefined);
  });

  it('returns at once in one that does not, which says so', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load(source);
    const answer = await driver.run({ x: 1 });
    assert.deepEqual([answer.checkpoint, (answer.value as JsonObject).rows], [true, [1, 1, 1]]);
    await driver.load('exports.main = () => ({})');
    assert.equal((await driver.run({ x: 1 })).checkpoint, undefined);
  });

  it('may not come at all', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load('exports.main = ({ x }) => ({ x, now: typeof Date.now() })');
    driver.send({ op: 'run', id: 1, value: { x: 1 }, env: {}, checkpoint: true });
    assert.deepEqual(await driver.receive(), {
      op: 'result',
      id: 1,
      status: 'ok',
      value: { x: 1, now: 'number' },
    });
  });

  it('brings its arguments where those of main cannot be changed', async () => {
    await using driver = await bootWithModules('nodejs');
    await driver.load(
      'const { checkpoint } = require("seuss"); exports.main = (p) => { Object.freeze(p); const { x } = checkpoint(); return { x, again: checkpoint().x, old: p.x } }',
    );
    driver.send({ op: 'run', id: 1, value: { x: 1 }, env: {}, checkpoint: true });
    assert.equal((await driver.receive()).op, 'parked');
    assert.deepEqual((await driver.resume({ x: 2 })).value, { x: 2, again: 2, old: 1 });
  });

  it('parks a specialised run', async () => {
    await check(
      'nodejs',
      'const { checkpoint } = require("seuss"); function main(p) { step("x"); const q = checkpoint(); step("late"); return { a: q.a, b: q.b, same: q === p } }',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      { a: 1, b: 2, same: true },
    );
  });
});
