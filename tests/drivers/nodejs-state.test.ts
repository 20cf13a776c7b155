/** What the Node.js driver does to V8: its randomness, its compiled code. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { initMessage } from '../../src/uc/driver-messages.ts';
import { Driver, NODEJS, newSeed } from './harness.ts';
import { firstAnswer, languageOf, text } from './languages.ts';

const nodejs = languageOf('nodejs');

describe('randomness in the Node.js driver', () => {
  it('is spread evenly over [0, 1)', async () => {
    const source = text(
      'function main() {',
      '  const bins = new Array(16).fill(0); let low = 0, max = 0;',
      '  for (let i = 0; i < 160000; i++) {',
      '    const r = Math.random();',
      '    bins[Math.floor(r * 16)]++; low |= (r * 2 ** 53) % 2; max = Math.max(max, r);',
      '  }',
      '  return { bins, low, max };',
      '}',
    );
    const answer = await firstAnswer(nodejs, source);
    const { bins, low, max } = answer.value as { bins: number[]; low: number; max: number };
    for (const count of bins) assert(Math.abs(count - 10_000) < 600, String(bins));
    assert.equal(low, 1);
    assert(max < 1);
  });

  it('looks as the built-in functions do', async () => {
    const source = `function main() {
      return [Math.random.name, Math.random.length, String(Math.random).includes('[native code]'),
        Object.getOwnPropertyDescriptor(Math, 'random').enumerable, require('crypto').randomUUID.name];
    }`;
    const answer = await firstAnswer(nodejs, source);
    assert.deepEqual(answer.value, ['random', 0, true, false, 'randomUUID']);
  });

  it('reaches functions imported from ES modules', async () => {
    const source = text(
      'import { randomUUID } from "node:crypto"; import crypto from "node:crypto";',
      'export function main() { return { same: randomUUID === crypto.randomUUID }; }',
    );
    const answer = await firstAnswer(nodejs, source);
    assert.deepEqual(answer.value, { same: true });
  });
});

/** The driver's, and Node.js's own, that each run goes through. */
const RUN_FUNCTIONS = [
  /* With #serveOne inlined. */
  '#next',
  '#receive',
  '#run',
  '#call',
  '#settle',
  '#finish',
  '#answer',
  'readLine',
  'writeLine',
  'setRunEnvironment',
  'readSync',
  'writeSync',
  'processImmediate',
];

describe('anticipation in the Node.js driver', () => {
  it('has functions compiled when they are loaded', async () => {
    const source = `
      require('v8').setFlagsFromString('--allow-natives-syntax');
      const isCompiled = new Function('f', 'return %ActiveTierIsIgnition(f)');
      function neverCalled() { return 1; }
      const lazy = () => new Function('return () => 1;')();
      exports.main = () => ({ compiled: isCompiled(neverCalled), lazy: isCompiled(lazy()) });`;
    const found = async (anticipate: boolean): Promise<JsonValue | undefined> => {
      await using driver = await Driver.boot(NODEJS, { anticipate });
      await driver.load(source);
      return (await driver.run()).value;
    };
    assert.deepEqual(await found(false), { compiled: false, lazy: false });
    assert.deepEqual(await found(true), { compiled: true, lazy: false });
  });

  it('leaves code for runs that V8 has optimised and does not throw away', async () => {
    const [program, file] = NODEJS;
    const flags = ['--single-threaded', '--trace-opt', '--trace-deopt'];
    await using driver = await Driver.boot([program, ...flags, file], { anticipate: true });
    const source = 'exports.main = () => console.log("run");';
    driver.send(
      JSON.parse(initMessage('main', { type: 'source', source, filename: 'index.js' }, {}, newSeed())),
    );
    assert.equal((await driver.receive()).op, 'ready');
    for (const seed of [newSeed(), undefined]) await driver.run({}, { __OW_ACTIVATION_ID: 'x' }, seed);
    for (const name of RUN_FUNCTIONS) {
      assert.match(lastLineAbout(name, driver.output.stdout), /^\[completed/, name);
    }
  });
});

/** What V8 has said last about the optimised code of a function. */
function lastLineAbout(name: string, trace: string): string {
  const lines = trace
    .split('\n')
    .filter((line) => line.includes(` ${name} (sfi`) || line.includes(` ${name}>`));
  return lines.findLast((line) => /^\[(completed|bailout|marking dependent)/.test(line)) ?? '';
}
