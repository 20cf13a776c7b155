/** Specialised runs of Node.js, where they have no like in other languages. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { ALL, check, specialized } from './arguments.ts';
import { languageOf, text } from './languages.ts';

const nodejs = languageOf('nodejs');

/** Uses of the arguments `p`, of which `a` is fixed, and what they come to with all of ALL. */
const USES: readonly [string, string, JsonValue][] = [
  ['destructuring', '(({ b }) => b)(p)', 2],
  ['destructuring with a default', '(({ a, z = 9, b = 8 }) => [a, z, b])(p)', [1, 9, 2]],
  ['destructuring of the rest', '(({ a, ...rest }) => rest)(p)', { b: 2, c: { d: [3] } }],
  ['hasOwnProperty', '[p.hasOwnProperty("b"), Object.hasOwn(p, "z")]', [true, false]],
  ['for in', '(() => { const k = []; for (const n in p) k.push(n); return k })()', ['b', 'a', 'c']],
  ['structuredClone', 'structuredClone(p)', ALL],
  ['a descriptor', 'Object.getOwnPropertyDescriptor(p, "b").value', 2],
  ['freezing', 'Object.keys(Object.freeze(p)).length', 3],
  [
    'formatting of what holds it',
    'require("util").format("%j %s", { p }, 1)',
    `${JSON.stringify({ p: ALL })} 1`,
  ],
  ['Map and Set', '[...new Map(Object.entries(p)).keys()]', ['b', 'a', 'c']],
  ['inheritance', 'Object.create(p).b', 2],
  ['query strings', 'new URLSearchParams({ ...p, c: 3 }).toString()', 'b=2&a=1&c=3'],
];

const PLACES: Readonly<Record<string, string>> = {
  'a callback': text(
    'const { stat } = require("fs");',
    'const main = (p) => new Promise((done) => stat("/", () => { step("x"); done({ v: p.b }) }));',
  ),
  'a timer': text(
    'const late = (f) => setTimeout(f, 5);',
    'const main = (p) => new Promise((done) => late(() => { step("x"); done({ v: p.b }) }));',
  ),
  'an async generator': text(
    'async function* g(p) { await null; step("x"); yield p.b }',
    'async function main(p) { for await (const v of g(p)) return { v } }',
  ),
  'a class': text(
    'class A { constructor(p) { step("x"); this.v = p.b } }',
    'const main = (p) => ({ ...new A(p) });',
  ),
  'a closure that was kept': 'let f; function main(p) { f = () => p.b; step("x"); return { v: f() } }',
};

describe('a specialized run in the Node.js driver', () => {
  for (const [title, expression, value] of USES) {
    const source = text(
      'function main(p) {',
      `  step(p.a); const value = ${expression}; step("late");`,
      '  return { value };',
      '}',
    );
    it(`parks before ${title}`, () => check(nodejs, source, { fixed: { a: 1 }, all: ALL }, ['1'], { value }));
  }

  for (const [title, source] of Object.entries(PLACES)) {
    it(`parks in ${title}`, () => check(nodejs, source, { fixed: { a: 1 }, all: ALL }, ['x'], { v: 2 }));
  }

  it('parks before a rejection needs an argument', async () => {
    const source = 'async function main(p) { step("x"); if (p.b) throw { code: p.b } }';
    const { steps, answer } = await specialized(nodejs, source, { all: ALL });
    assert.deepEqual(steps, ['x']);
    assert.deepEqual([answer.status, answer.value], ['application_error', { error: { code: 2 } }]);
  });
});
