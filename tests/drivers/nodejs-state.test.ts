import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { initMessage } from '../../src/uc/driver-messages.ts';
import { Driver, NODEJS, newSeed } from './harness.ts';
import { runOnce } from './run-once.ts';

describe('randomness in the Node.js driver', () => {
  const source = `
    const crypto = require('crypto'); const vm = require('vm');
    crypto.randomUUID(); crypto.randomInt(5); Math.random();
    function main() {
      return { math: Math.random(), vm: vm.runInNewContext('Math.random()'), vm2: vm.runInContext('Math.random()', vm.createContext()),
        uuid: crypto.randomUUID(), web: globalThis.crypto.randomUUID(), int: crypto.randomInt(2 ** 40) };
    }`;

  it('is replaced by the seed of each deploy', async () => {
    await using driver = await Driver.boot(NODEJS);
    assert.deepEqual(await driver.init({ source }, newSeed()), { op: 'ready', seeded: true });
    const seed = newSeed();
    const first = await driver.run({}, {}, seed);
    const same = await driver.run({}, {}, seed);
    const other = await driver.run({}, {}, newSeed());
    assert.equal(first.seeded, true);
    const [a, b, c] = [first, same, other].map(({ value }) => value as Record<string, number | string>);
    assert(a && b && c);
    assert.deepEqual([a.math, a.vm, a.vm2], [b.math, b.vm, b.vm2]);
    for (const name of Object.keys(a)) assert.notEqual(a[name], c[name], name);
    for (const name of ['uuid', 'web', 'int']) assert.notEqual(a[name], b[name], name);
    assert.notEqual(a.vm, a.vm2);
    assert.equal((await driver.run()).seeded, undefined);
  });

  it('is spread evenly over [0, 1)', async () => {
    const answer = await runOnce(`function main() {
      const bins = new Array(16).fill(0); let low = 0, max = 0;
      for (let i = 0; i < 160000; i++) { const r = Math.random(); bins[Math.floor(r * 16)]++; low |= (r * 2 ** 53) % 2; max = Math.max(max, r); }
      return { bins, low, max };
    }`);
    const { bins, low, max } = answer.value as { bins: number[]; low: number; max: number };
    for (const count of bins) assert(Math.abs(count - 10_000) < 600, String(bins));
    assert.equal(low, 1);
    assert(max < 1);
  });

  it('looks as the built-in functions do', async () => {
    const answer = await runOnce(`function main() {
      return [Math.random.name, Math.random.length, String(Math.random).includes('[native code]'),
        Object.getOwnPropertyDescriptor(Math, 'random').enumerable, require('crypto').randomUUID.name];
    }`);
    assert.deepEqual(answer.value, ['random', 0, true, false, 'randomUUID']);
  });

  it('reaches functions imported from ES modules', async () => {
    const answer = await runOnce(
      'import { randomUUID } from "node:crypto"; import crypto from "node:crypto"; export function main() { return { same: randomUUID === crypto.randomUUID }; }',
    );
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

describe('anticipatory optimisation of the Node.js driver', () => {
  it('succeeds, says nothing, and leaves nothing behind', async () => {
    await using driver = await Driver.boot(NODEJS, { anticipate: true });
    await driver.load(`function main() {
      return { resources: process.getActiveResourcesInfo(), modules: Object.keys(require.cache).map((name) => require('path').basename(name)).sort(),
        env: Object.keys(process.env).filter((name) => /^(__OW_|SEUSS_)/.test(name)), gc: typeof gc, cwd: process.cwd(),
        vmGc: require('vm').runInNewContext('typeof gc'), left: require('fs').readdirSync(require('os').tmpdir()) };
    }`);
    const { value } = await driver.run();
    assert.deepEqual(driver.output, { stdout: '', stderr: '' });
    const found = value as Record<string, string[]>;
    assert.deepEqual(found.env, []);
    assert.deepEqual(found.left, []);
    assert.deepEqual([found.gc, found.vmGc], ['undefined', 'undefined']);
    assert.deepEqual(
      found.resources?.filter((name) => name !== 'Immediate' && name !== 'PipeWrap'),
      [],
    );
    assert(
      found.modules?.every((name) => name.endsWith('.cjs')),
      String(found.modules),
    );
  });

  it('has functions compiled when they are loaded', async () => {
    const source = `
      require('v8').setFlagsFromString('--allow-natives-syntax');
      const isCompiled = new Function('f', 'return %ActiveTierIsIgnition(f)');
      function neverCalled() { return 1; }
      exports.main = () => ({ compiled: isCompiled(neverCalled), lazy: isCompiled(new Function('return () => 1;')()) });`;
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
