/** What docs/reference/driver-protocol.md promises of every driver: code, results, runs, the seed. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { type Code, newSeed } from './harness.ts';
import {
  assertAnswers,
  assertFails,
  bootDriver,
  firstAnswer,
  type InEach,
  itInEach,
  itLoaded,
  text,
} from './languages.ts';

describe('a driver finds main', () => {
  const found: Readonly<Record<string, InEach<Code>>> = {
    'that is a function': {
      nodejs: { source: 'function main(p) { return { got: p.x }; }' },
      python: { source: 'def main(args): return {"got": args["x"]}' },
    },
    'of another name': {
      nodejs: { source: 'function other(p) { return { got: p.x }; }', main: 'other' },
      python: { source: 'def other(args): return {"got": args["x"]}', main: 'other' },
    },
    'of a dotted name': {
      nodejs: {
        source: 'const niam = { k: 7, xyz(p) { return { got: p.x && this.k }; } };',
        main: 'niam.xyz',
      },
      python: {
        source: text(
          'class Niam:',
          '    k = 7',
          '    def xyz(self, args): return {"got": self.k}',
          'niam = Niam()',
        ),
        main: 'niam.xyz',
      },
    },
    'in a folder, with a dependency': {
      nodejs: {
        dir: folder({
          'index.js': 'exports.main = () => require("dep");',
          'node_modules/dep/index.js': 'module.exports = { got: 7 };',
        }),
      },
      python: {
        dir: folder({
          '__main__.py': 'import dep\ndef main(args): return dep.give()',
          'dep.py': 'def give(): return {"got": 7}',
        }),
      },
    },
    'in another file of a folder': {
      nodejs: {
        dir: folder({ 'index.js': '', 'other.js': 'exports.niam = { xyz: () => ({ got: 7 }) };' }),
        main: 'other.niam.xyz',
      },
      python: {
        dir: folder({ '__main__.py': '', 'a/b.py': 'def give(args): return {"got": 7}' }),
        main: 'a.b.give',
      },
    },
    'that reads files relative to the working directory': {
      nodejs: {
        dir: folder({
          'index.js': 'exports.main = () => JSON.parse(require("fs").readFileSync("data.json"));',
          'data.json': '{"got":7}',
        }),
      },
      python: {
        dir: folder({
          '__main__.py': 'import json\ndef main(args): return json.load(open("data.json"))',
          'data.json': '{"got":7}',
        }),
      },
    },
  };
  for (const [title, codes] of Object.entries(found)) {
    itInEach(title, codes, async (language, code) => {
      await using driver = await bootDriver(language);
      assert.deepEqual(await driver.init(code), { op: 'ready' });
      const answer = await driver.run({ x: 7 });
      assert.deepEqual(answer, { op: 'result', id: 1, status: 'ok', value: { got: 7 } });
    });
  }
});

describe('code does not load in a driver', () => {
  const broken: Readonly<Record<string, InEach<readonly [Code, RegExp]>>> = {
    'that has a syntax error': {
      nodejs: [{ source: 'function main( {', filename: 'bad.js' }, /bad\.js:1[\s\S]*SyntaxError/],
      python: [{ source: 'def main(:', filename: 'bad.py' }, /File "bad\.py", line 1[\s\S]*SyntaxError/],
    },
    'that throws': {
      nodejs: [{ source: 'throw new TypeError("at load")' }, /TypeError: at load\n +at .*index\.js:1/],
      python: [
        { source: 'x = 1\nraise ValueError("at load")', filename: 'bad.py' },
        /File "bad\.py", line 2, in <module>\n {4}raise ValueError\("at load"\)\nValueError: at load\n$/,
      ],
    },
    'that has no main': {
      nodejs: [{ source: 'const x = 1;' }, /Action entrypoint 'main' is not a function\./],
      python: [{ source: 'x = 1' }, /Action entrypoint 'main' is not a function\./],
    },
    'whose main is no function': {
      nodejs: [{ source: 'const main = 1;' }, /is not a function\./],
      python: [{ source: 'main = 1' }, /is not a function\./],
    },
    'that is empty': {
      nodejs: [{ source: '' }, /no code to execute/],
      python: [{ source: '' }, /no code to execute/],
    },
    'that lacks a package': {
      nodejs: [{ source: 'require("not-there")' }, /Cannot find module 'not-there'/],
      python: [{ source: 'import not_there' }, /ModuleNotFoundError: No module named 'not_there'/],
    },
    'that is a folder without an entry': {
      nodejs: [{ dir: folder({ 'a.js': '' }) }, /package\.json or index\.js/],
      python: [{ dir: folder({ 'a.py': '' }) }, /does not include mandatory files/],
    },
  };
  for (const [title, codes] of Object.entries(broken)) {
    itInEach(title, codes, (language, [code, pattern]) => assertFails(language, code, pattern));
  }
});

const NO_OBJECT = {
  nodejs: 'The action did not return a dictionary.',
  python: 'The action did not return a dictionary or array.',
};

describe('a driver answers a run', () => {
  const results: Readonly<Record<string, InEach<readonly [string, string, JsonValue | RegExp]>>> = {
    'that returns nothing': {
      nodejs: ['', 'ok', {}],
      python: ['pass', 'developer_error', { error: NO_OBJECT.python }],
    },
    'that returns an array': {
      nodejs: ['return [1, "é", 2.5, null]', 'ok', [1, 'é', 2.5, null]],
      python: ['return [1, "é", 2.5, None]', 'ok', [1, 'é', 2.5, null]],
    },
    'that returns an empty object': {
      nodejs: ['return {}', 'ok', {}],
      python: ['return {}', 'ok', {}],
    },
    'that returns half a character': {
      nodejs: ['return { a: "\\ud800" }', 'ok', { a: '\ud800' }],
      python: ['return {"a": "\\ud800"}', 'ok', { a: '\ud800' }],
    },
    'that returns a field of that name': {
      nodejs: ['return { error: "no" }', 'application_error', { error: 'no' }],
      python: ['return {"error": "no"}', 'application_error', { error: 'no' }],
    },
    'that returns a number': {
      nodejs: ['return 1', 'developer_error', { error: NO_OBJECT.nodejs }],
      python: ['return 1', 'developer_error', { error: NO_OBJECT.python }],
    },
    'that returns a text': {
      nodejs: ['return "x"', 'developer_error', { error: NO_OBJECT.nodejs }],
      python: ['return "x"', 'developer_error', { error: NO_OBJECT.python }],
    },
    'that returns what JSON has not': {
      nodejs: ['return { a: 1n }', 'developer_error', /not return a dictionary\. TypeError.*BigInt/],
      python: [
        'return {"a": {1}}',
        'developer_error',
        /dictionary or array\. Object of type set is not JSON serializable/,
      ],
    },
    'that returns a cycle': {
      nodejs: [
        'const a = {}; a.a = a; return a',
        'developer_error',
        /not return a dictionary\. TypeError.*circular/,
      ],
      python: ['a = {}; a["a"] = a; return a', 'developer_error', /or array\. Circular reference/],
    },
    'that throws': {
      nodejs: [
        'throw new RangeError("no")',
        'developer_error',
        { error: 'An error has occurred: RangeError: no' },
      ],
      python: ['raise ValueError("no")', 'application_error', { error: 'no' }],
    },
    'that throws what has no text': {
      nodejs: ['throw Object.create(null)', 'developer_error', /An error has occurred/],
      python: [
        'class E(Exception):\n        def __str__(self): raise self\n    raise E()',
        'application_error',
        { error: 'E' },
      ],
    },
  };
  for (const [title, bodies] of Object.entries(results)) {
    itInEach(title, bodies, async (language, [body, status, value]) => {
      const isNode = language.name === 'nodejs';
      const source = isNode ? `function main() { ${body}; }` : `def main(args):\n    ${body}\n`;
      assertAnswers(await firstAnswer(language, source), status, value);
    });
  }
});

const SAME = {
  nodejs: 'function main(p) { return p; }',
  python: 'def main(args): return args',
};

describe('runs in a driver', () => {
  itLoaded(
    'log before the result, also when the log is long',
    {
      nodejs: text(
        'function main({ n }) {',
        '  for (let i = 0; i < n; i++) console.log("line", i);',
        '  console.error("end");',
        '}',
      ),
      python: text(
        'import sys',
        'def main(args):',
        '    for i in range(args["n"]): print("line", i)',
        '    print("end", file=sys.stderr)',
        '    return {}',
      ),
    },
    async (driver) => {
      await driver.run({ n: 50_000 });
      await driver.run({ n: 0 });
      const { stdout, stderr } = await driver.outputOfAll();
      assert.equal(stdout.split('\n').length, 50_001);
      assert.equal(stderr, 'end\nend\n');
    },
  );

  itLoaded('take and give large values, and go on', SAME, async (driver) => {
    for (const text of ['x'.repeat(48 << 20), 'é€😀'.repeat(1 << 20), 'small']) {
      assert.deepEqual((await driver.run({ text })).value, { text });
    }
  });

  itLoaded('serve several messages that arrive at once', SAME, async (driver) => {
    for (let id = 1; id <= 3; id++) driver.send({ op: 'run', id, value: { id } });
    for (let id = 1; id <= 3; id++) assert.deepEqual((await driver.receive()).value, { id });
  });

  itLoaded(
    'see the environment of the action and of the run, and none of the run before',
    {
      nodejs: text(
        'const at = process.env.A;',
        'function main() { const { A, B, C } = process.env; return { at, A, B, C }; }',
      ),
      python: text(
        'import os',
        'at = os.environ["A"]',
        'def main(args): return {"at": at, **{k: v for k, v in os.environ.items() if k in "ABC"}}',
      ),
    },
    async (driver) => {
      const first = await driver.run({}, { B: '1', C: '2' });
      assert.deepEqual(first.value, { at: 'a', A: 'a', B: '1', C: '2' });
      assert.deepEqual((await driver.run({}, { B: '3' })).value, { at: 'a', A: 'a', B: '3' });
    },
    { env: { A: 'a' } },
  );

  itLoaded(
    'leave no environment to a capture',
    {
      nodejs: 'function main() { return { key: process.env.KEY ?? null }; }',
      python: 'import os\ndef main(args): return {"key": os.environ.get("KEY")}',
    },
    async (driver) => {
      assert.deepEqual((await driver.run({}, { KEY: 'k' })).value, { key: 'k' });
      driver.send({ op: 'collect' });
      assert.deepEqual(await driver.receive(), { op: 'collected', drawn: false });
      assert.deepEqual((await driver.run({}, {})).value, { key: null });
    },
  );

  itLoaded(
    'survive a function that replaces what the driver uses',
    {
      nodejs: text(
        'JSON.parse = JSON.stringify = setImmediate = process.nextTick = null;',
        'function main({ fail }) { if (fail) throw new Error("no"); return { a: 1 }; }',
      ),
      python: text(
        'import sys, json',
        'def main(args):',
        '    sys.stdout.close()',
        '    sys.stderr = None',
        '    json.loads = json.dumps = None',
        '    if args: 1 / 0',
        '    return {"a": 1}',
      ),
    },
    async (driver) => {
      for (const _ of [1, 2]) assert.deepEqual((await driver.run()).value, { a: 1 });
      const { value } = await driver.run({ fail: true });
      assert.match(String((value as { error: string }).error), /division by zero$|Error: no$/);
    },
  );

  itLoaded(
    'end with the program',
    {
      nodejs: 'function main() { process.exit(3); }',
      python: 'import sys\ndef main(args): sys.exit(3)',
    },
    async (driver) => {
      driver.send({ op: 'run', id: 1, value: {} });
      assert.equal(await driver.ended(), 3);
    },
  );
});

/** Names of the function's values: what the seed alone decides, and what is new at each draw. */
interface Draws {
  readonly source: string;
  readonly seeded: readonly string[];
  readonly fresh: readonly string[];
}

describe('randomness in a driver', () => {
  const draws: InEach<Draws> = {
    nodejs: {
      source: text(
        'const crypto = require("crypto"); const vm = require("vm");',
        'crypto.randomUUID(); crypto.randomInt(5); Math.random();',
        'const inContext = (context) => vm.runInContext("Math.random()", context);',
        'function main() {',
        '  return { math: Math.random(), vm: vm.runInNewContext("Math.random()"),',
        '    vm2: inContext(vm.createContext()), uuid: crypto.randomUUID(),',
        '    web: globalThis.crypto.randomUUID(), int: crypto.randomInt(2 ** 40) };',
        '}',
      ),
      seeded: ['math', 'vm', 'vm2'],
      fresh: ['uuid', 'web', 'int'],
    },
    python: {
      source: text(
        'import random, uuid, tempfile, secrets',
        'random.random(); random.gauss(0, 1); uuid.uuid1()',
        'def main(args):',
        '    return {"random": random.random(), "gauss": random.gauss(0, 1),',
        '        "choice": random.getrandbits(64), "node": uuid.uuid1().node,',
        '        "uuid4": str(uuid.uuid4()), "secret": secrets.token_hex()}',
      ),
      seeded: ['random', 'gauss', 'choice', 'node'],
      fresh: ['uuid4', 'secret'],
    },
  };
  itInEach('is replaced by the seed of each deploy', draws, async (language, { source, seeded, fresh }) => {
    await using driver = await bootDriver(language);
    assert.deepEqual(await driver.init({ source }, newSeed()), { op: 'ready', seeded: true });
    const seed = newSeed();
    const first = await driver.run({}, {}, seed);
    const same = await driver.run({}, {}, seed);
    const other = await driver.run({}, {}, newSeed());
    assert.equal(first.seeded, true);
    const [a, b, c] = [first, same, other].map(({ value }) => value as Record<string, number | string>);
    assert(a && b && c);
    assert.deepEqual(Object.keys(a), [...seeded, ...fresh]);
    assert.equal(new Set(Object.values(a)).size, Object.keys(a).length);
    for (const name of seeded) assert.equal(a[name], b[name], name);
    for (const name of fresh) assert.notEqual(a[name], b[name], name);
    for (const name of Object.keys(a)) assert.notEqual(a[name], c[name], name);
    assert.equal((await driver.run()).seeded, undefined);
  });
});
