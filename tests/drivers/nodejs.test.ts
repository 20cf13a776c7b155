/** What the Node.js driver promises beyond what all drivers do: protocol*.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { Driver, NODEJS } from './harness.ts';
import { assertAnswers, assertFails, firstAnswer, languageOf, text } from './languages.ts';

const nodejs = languageOf('nodejs');

describe('where the Node.js driver finds main', () => {
  const found: [string, string, { main?: string; filename?: string }?][] = [
    ['a constant', 'const main = ({ x }) => ({ got: x }); // trailing comment'],
    ['an async function', 'async function main(p) { await null; return { got: p.x }; }'],
    ['a global without declaration', 'main = (p) => ({ got: p.x });'],
    ['a property of global', 'global.main = (p) => ({ got: p.x });'],
    ['module.exports.main', 'module.exports = { main: (p) => ({ got: p.x }) };'],
    ['exports.main', 'exports.main = (p) => ({ got: p.x });'],
    ['a reserved word', 'exports.default = (p) => ({ got: p.x });', { main: 'default' }],
    [
      'an ES module',
      text(
        'import { EOL } from "node:os";',
        'export function main(p) { return { got: p.x, EOL }.got ? { got: p.x } : {}; }',
      ),
    ],
    [
      'an ES module with await',
      'const k = await Promise.resolve(7);\nexport const main = () => ({ got: k });',
    ],
    ['an .mjs file', 'export const main = (p) => ({ got: p.x });', { filename: 'hello.mjs' }],
    ['code after a hashbang', '#!/usr/bin/env node\nfunction main(p) { return { got: p.x }; }'],
  ];
  for (const [title, source, code] of found) {
    it(title, async () => {
      const answer = await firstAnswer(nodejs, source, { x: 7 }, code);
      assert.deepEqual(answer, { op: 'result', id: 1, status: 'ok', value: { got: 7 } });
    });
  }
});

describe('folders in the Node.js driver', () => {
  const found: [string, Record<string, string>][] = [
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
  ];
  for (const [title, files] of found) {
    it(title, async () => {
      await using driver = await Driver.boot(NODEJS);
      const answer = await driver.init({ dir: folder(files) });
      assert.deepEqual(answer, { op: 'ready' });
      assert.deepEqual((await driver.run()).value, { got: 1 });
    });
  }
  it('with a main that does not exist fails', () =>
    assertFails(nodejs, { dir: folder({ 'package.json': '{"main":"x.js"}' }) }, /Cannot find "x\.js"/));
});

describe('code that does not load in the Node.js driver', () => {
  it('a syntax error in an ES module', () =>
    assertFails(nodejs, { source: 'export function main( {' }, /SyntaxError/));
  it('a throw of no error', () => assertFails(nodejs, { source: 'throw null' }, /null/));
});

describe('results of the Node.js driver', () => {
  const cases: [string, string, string, JsonValue | RegExp][] = [
    ['what toJSON says', 'function main() { return { toJSON: () => ({ a: 1 }) }; }', 'ok', { a: 1 }],
    ['a thenable', 'function main() { return { then: (f) => f({ a: 1 }) }; }', 'ok', { a: 1 }],
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
    it(title, async () => assertAnswers(await firstAnswer(nodejs, source), status, expected));
  }

  it('an error that rejects keeps name, message, stack and code', async () => {
    const source = 'async function main() { throw Object.assign(new Error("no"), { code: "E" }); }';
    const answer = await firstAnswer(nodejs, source);
    const { error } = answer.value as { error: Record<string, string> };
    assert.equal(answer.status, 'application_error');
    assert.deepEqual([error.name, error.message, error.code], ['Error', 'no', 'E']);
    assert.match(error.stack ?? '', /hello\.js:1/);
  });
});

describe('runs in the Node.js driver', () => {
  it('let the event loop turn between synchronous runs', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      text(
        'let n = 0;',
        'setInterval(() => n++, 1);',
        'function main() { const end = Date.now() + 3; while (Date.now() < end); return { n }; }',
      ),
    );
    for (let i = 0; i < 5; i++) await driver.run();
    const { n } = (await driver.run()).value as { n: number };
    assert(n >= 3, `${n} ticks`);
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
      const answer = await firstAnswer(nodejs, `exports.main = ${entry};`, { a: 1 });
      assert.deepEqual(answer.value, { a: 1 }, entry);
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
      const answer = await firstAnswer(nodejs, `exports.main = ${entry};`);
      assert.match(answer.status ?? '', /^(ok|developer_error)$/, entry);
    }
  });

  it('leave native syntax closed', async () => {
    const answer = await firstAnswer(
      nodejs,
      'function main() { try { eval("%DebugTrace()"); } catch (error) { return { name: error.name }; } }',
    );
    assert.deepEqual(answer.value, { name: 'SyntaxError' });
  });

  const endings: [string, string][] = [
    [
      'an exception outside the promise',
      'function main() { return new Promise(() => setTimeout(() => { throw new Error("late"); })); }',
    ],
    [
      'an unhandled rejection',
      text(
        'function main() {',
        '  Promise.reject(new Error("late"));',
        '  return new Promise((r) => setTimeout(r, 1e4));',
        '}',
      ),
    ],
  ];
  for (const [title, source] of endings) {
    it(`end with ${title}`, async () => {
      await using driver = await Driver.boot(NODEJS);
      await driver.load(source);
      driver.send({ op: 'run', id: 1, value: {} });
      assert.equal(await driver.ended(), 1);
      assert.match(driver.output.stderr, /Error: late/);
    });
  }
});
