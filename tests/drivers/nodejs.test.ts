import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { Driver, NODEJS } from './harness.ts';
import { runOnce } from './run-once.ts';

async function assertFailed(code: Parameters<Driver['init']>[0], pattern: RegExp): Promise<void> {
  await using driver = await Driver.boot(NODEJS);
  const answer = await driver.init(code);
  assert.equal(answer.op, 'failed');
  assert.match(answer.error ?? '', /^Initialization has failed due to: /);
  assert.match(answer.error ?? '', pattern);
}

describe('where the Node.js driver finds main', () => {
  const found: [string, string, string?, string?][] = [
    ['a function declaration', 'function main(p) { return { got: p.x }; }'],
    ['a constant', 'const main = ({ x }) => ({ got: x }); // trailing comment'],
    ['an async function', 'async function main(p) { await null; return { got: p.x }; }'],
    ['a global without declaration', 'main = (p) => ({ got: p.x });'],
    ['a property of global', 'global.main = (p) => ({ got: p.x });'],
    ['module.exports.main', 'module.exports = { main: (p) => ({ got: p.x }) };'],
    ['exports.main', 'exports.main = (p) => ({ got: p.x });'],
    ['another name', 'function other(p) { return { got: p.x }; }', 'other'],
    ['a dotted name', 'const niam = { k: 7, xyz(p) { return { got: p.x && this.k }; } };', 'niam.xyz'],
    ['a reserved word', 'exports.default = (p) => ({ got: p.x });', 'default'],
    [
      'an ES module',
      'import { EOL } from "node:os";\nexport function main(p) { return { got: p.x, EOL }.got ? { got: p.x } : {}; }',
    ],
    [
      'an ES module with await',
      'const k = await Promise.resolve(7);\nexport const main = () => ({ got: k });',
    ],
    ['an .mjs file', 'export const main = (p) => ({ got: p.x });', 'main', 'hello.mjs'],
    ['code after a hashbang', '#!/usr/bin/env node\nfunction main(p) { return { got: p.x }; }'],
  ];
  for (const [title, source, main, filename] of found) {
    it(title, async () => {
      const answer = await runOnce(source, { x: 7 }, main, filename);
      assert.deepEqual(answer, { op: 'result', id: 1, status: 'ok', value: { got: 7 } });
    });
  }
});

describe('folders in the Node.js driver', () => {
  const found: [string, Record<string, string>, string?][] = [
    [
      'index.js with a dependency',
      {
        'index.js': 'exports.main = () => require("dep");',
        'node_modules/dep/index.js': 'module.exports = { got: 1 };',
      },
    ],
    [
      'main of package.json',
      { 'package.json': '{"main":"lib/start"}', 'lib/start.js': 'exports.main = () => ({ got: 1 });' },
    ],
    [
      'type module',
      {
        'package.json': '{"type":"module","main":"a.js"}',
        'a.js': 'import { got } from "./b.js"; export const main = () => ({ got });',
        'b.js': 'export const got = 1;',
      },
    ],
    [
      'type module with top-level await',
      {
        'package.json': '{"type":"module"}',
        'index.js': 'const got = await 1; export const main = () => ({ got });',
      },
    ],
    ['index.mjs', { 'index.mjs': 'export const main = () => ({ got: 1 });' }],
    [
      'an ES module that imports a CommonJS package',
      {
        'index.mjs': 'import dep from "dep"; export const main = () => dep;',
        'node_modules/dep/index.js': 'module.exports = { got: 1 };',
      },
    ],
    [
      'an export of another file',
      { 'index.js': '', 'other.js': 'exports.niam = { xyz: () => ({ got: 1 }) };' },
      'other.niam.xyz',
    ],
    [
      'files relative to the working directory',
      {
        'index.js': 'exports.main = () => JSON.parse(require("fs").readFileSync("data.json"));',
        'data.json': '{"got":1}',
      },
    ],
  ];
  for (const [title, files, main] of found) {
    it(title, async () => {
      await using driver = await Driver.boot(NODEJS);
      const answer = await driver.init({ dir: folder(files), ...(main && { main }) });
      assert.deepEqual(answer, { op: 'ready' });
      assert.deepEqual((await driver.run()).value, { got: 1 });
    });
  }
  it('without an entry fails', () =>
    assertFailed({ dir: folder({ 'a.js': '' }) }, /package\.json or index\.js/));
  it('with a main that does not exist fails', () =>
    assertFailed({ dir: folder({ 'package.json': '{"main":"x.js"}' }) }, /Cannot find "x\.js"/));
});

describe('code that does not load in the Node.js driver', () => {
  it('a syntax error', () =>
    assertFailed({ source: 'function main( {', filename: 'bad.js' }, /bad\.js:1[\s\S]*SyntaxError/));
  it('a syntax error in an ES module', () =>
    assertFailed({ source: 'export function main( {' }, /SyntaxError/));
  it('a throw', () =>
    assertFailed({ source: 'throw new TypeError("at load")' }, /TypeError: at load\n +at .*index\.js:1/));
  it('a throw of no error', () => assertFailed({ source: 'throw null' }, /null/));
  it('no main', () =>
    assertFailed({ source: 'const x = 1;' }, /Action entrypoint 'main' is not a function\./));
  it('no code', () => assertFailed({ source: '' }, /no code to execute/));
  it('a missing package', () =>
    assertFailed({ source: 'require("not-there")' }, /Cannot find module 'not-there'/));
});

describe('results of the Node.js driver', () => {
  const cases: [string, string, string, JsonValue | RegExp][] = [
    ['nothing', 'function main() {}', 'ok', {}],
    ['an array', 'function main() { return [1, "é"]; }', 'ok', [1, 'é']],
    ['what toJSON says', 'function main() { return { toJSON: () => ({ a: 1 }) }; }', 'ok', { a: 1 }],
    ['a thenable', 'function main() { return { then: (f) => f({ a: 1 }) }; }', 'ok', { a: 1 }],
    ['an error field', 'function main() { return { error: "no" }; }', 'application_error', { error: 'no' }],
    [
      'a number',
      'function main() { return 1; }',
      'developer_error',
      { error: 'The action did not return a dictionary.' },
    ],
    [
      'null',
      'function main() { return null; }',
      'developer_error',
      { error: 'The action did not return a dictionary.' },
    ],
    [
      'a date',
      'function main() { return new Date(0); }',
      'developer_error',
      { error: 'The action did not return a dictionary.' },
    ],
    [
      'a BigInt inside',
      'function main() { return { a: 1n }; }',
      'developer_error',
      /did not return a dictionary\. TypeError.*BigInt/,
    ],
    [
      'a cycle',
      'function main() { const a = {}; a.a = a; return a; }',
      'developer_error',
      /did not return a dictionary\. TypeError.*circular/,
    ],
    [
      'a throw',
      'function main() { throw new RangeError("no"); }',
      'developer_error',
      { error: 'An error has occurred: RangeError: no' },
    ],
    [
      'a throw of an object without text',
      'function main() { throw Object.create(null); }',
      'developer_error',
      /An error has occurred/,
    ],
    ['reject()', 'function main() { return Promise.reject(); }', 'application_error', { error: {} }],
    [
      'reject(text)',
      'function main() { return Promise.reject("no"); }',
      'application_error',
      { error: 'no' },
    ],
    [
      'reject(object)',
      'function main() { return Promise.reject({ code: 5 }); }',
      'application_error',
      { error: { code: 5 } },
    ],
    [
      'reject(cycle)',
      'function main() { const e = { n: 1n }; e.e = e; return Promise.reject(e); }',
      'application_error',
      { error: { n: '1', e: '[Circular]' } },
    ],
    [
      'a promise that nothing can settle',
      'function main() { return new Promise(() => {}); }',
      'developer_error',
      /nothing is left to run/,
    ],
  ];
  for (const [title, source, status, expected] of cases) {
    it(title, async () => {
      const answer = await runOnce(source);
      assert.equal(answer.status, status);
      if (expected instanceof RegExp)
        assert.match(String((answer.value as { error: string }).error), expected);
      else assert.deepEqual(answer.value, expected);
    });
  }

  it('an error that rejects keeps name, message, stack and code', async () => {
    const answer = await runOnce(
      'async function main() { throw Object.assign(new Error("no"), { code: "E" }); }',
    );
    const { error } = answer.value as { error: Record<string, string> };
    assert.equal(answer.status, 'application_error');
    assert.deepEqual([error.name, error.message, error.code], ['Error', 'no', 'E']);
    assert.match(error.stack ?? '', /hello\.js:1/);
  });
});

describe('runs in the Node.js driver', () => {
  it('log before the result, also when the log is long', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'function main({ n }) { for (let i = 0; i < n; i++) console.log("line", i); console.error("end"); }',
    );
    await driver.run({ n: 50_000 });
    await driver.run({ n: 0 });
    assert.equal(driver.output.stdout.split('\n').length, 50_001);
    assert.match(driver.output.stderr, /^end$/m);
  });

  it('take and give large values, and go on', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load('function main(p) { return p; }');
    for (const text of ['x'.repeat(48 << 20), 'é€😀'.repeat(1 << 20), 'small']) {
      assert.deepEqual((await driver.run({ text })).value, { text });
    }
  });

  it('serve several messages that arrive at once', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load('function main(p) { return p; }');
    for (let id = 1; id <= 3; id++) driver.send({ op: 'run', id, value: { id } });
    for (let id = 1; id <= 3; id++) assert.deepEqual((await driver.receive()).value, { id });
  });

  it('let the event loop turn between synchronous runs', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'let n = 0; setInterval(() => n++, 1); function main() { const end = Date.now() + 3; while (Date.now() < end); return { n }; }',
    );
    for (let i = 0; i < 5; i++) await driver.run();
    const { n } = (await driver.run()).value as { n: number };
    assert(n >= 3, `${n} ticks`);
  });

  it('see the environment of the action and of the run, and none of the run before', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'const at = process.env.A; function main() { const { A, B, C } = process.env; return { at, A, B, C }; }',
      {
        env: { A: 'a' },
      },
    );
    assert.deepEqual((await driver.run({}, { B: '1', C: '2' })).value, { at: 'a', A: 'a', B: '1', C: '2' });
    assert.deepEqual((await driver.run({}, { B: '3' })).value, { at: 'a', A: 'a', B: '3' });
  });

  it('leave no environment to a capture', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load('function main() { return { key: process.env.KEY ?? null }; }');
    assert.deepEqual((await driver.run({}, { KEY: 'k' })).value, { key: 'k' });
    driver.send({ op: 'collect' });
    assert.deepEqual(await driver.receive(), { op: 'collected', drawn: false });
    assert.deepEqual((await driver.run({}, {})).value, { key: null });
  });

  it('call an entry that is a proxy, bound, built in, or a class method', async () => {
    const entries = [
      'new Proxy((p) => p, {})',
      '((p) => p).bind(null)',
      'Object',
      'Object.assign',
      'async (p) => p',
      'new Function("p", "return p")',
      'require("util").deprecate((p) => p, "x")',
      'new (class { main(p) { return p; } })().main',
    ];
    for (const entry of entries) {
      assert.deepEqual((await runOnce(`exports.main = ${entry};`, { a: 1 })).value, { a: 1 }, entry);
    }
  });

  it('survive an entry that cannot be called', async () => {
    for (const entry of [
      'class {}',
      'function* () {}',
      'async function* () {}',
      'Proxy',
      'new Proxy(class {}, {})',
    ]) {
      assert.match((await runOnce(`exports.main = ${entry};`)).status ?? '', /^(ok|developer_error)$/, entry);
    }
  });

  it('leave native syntax closed', async () => {
    const answer = await runOnce(
      'function main() { try { eval("%DebugTrace()"); } catch (error) { return { name: error.name }; } }',
    );
    assert.deepEqual(answer.value, { name: 'SyntaxError' });
  });

  it('survive a function that replaces what the driver uses', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'JSON.parse = JSON.stringify = setImmediate = process.nextTick = null; function main() { return { a: 1 }; }',
    );
    assert.deepEqual((await driver.run()).value, { a: 1 });
    assert.deepEqual((await driver.run()).value, { a: 1 });
  });

  const endings: [string, string, number][] = [
    ['process.exit', 'function main() { process.exit(3); }', 3],
    [
      'an exception outside the promise',
      'function main() { return new Promise(() => setTimeout(() => { throw new Error("late"); })); }',
      1,
    ],
    [
      'an unhandled rejection',
      'function main() { Promise.reject(new Error("late")); return new Promise((r) => setTimeout(r, 1e4)); }',
      1,
    ],
  ];
  for (const [title, source, code] of endings) {
    it(`end with ${title}`, async () => {
      await using driver = await Driver.boot(NODEJS);
      await driver.load(source);
      driver.send({ op: 'run', id: 1, value: {} });
      assert.equal(await driver.ended(), code);
      if (code === 1) assert.match(driver.output.stderr, /Error: late/);
    });
  }
});
