/** What the Python driver promises beyond what all drivers do: protocol*.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { type Code, Driver, newSeed, PYTHON } from './harness.ts';
import { assertAnswers, assertFails, firstAnswer, languageOf, text } from './languages.ts';

const python = languageOf('python');

describe('where the Python driver finds main', () => {
  const found: [string, Code][] = [
    [
      'a package called as one of the driver',
      {
        dir: folder({
          '__main__.py': 'import serve, load, channel\nmain = serve.main',
          'serve.py': 'def main(args): return {"got": 7}',
          'load.py': '',
          'channel.py': '',
        }),
      },
    ],
    [
      'a folder with a virtual environment',
      {
        dir: folder({
          '__main__.py': 'from dep import main',
          'virtualenv/lib/python3.11/site-packages/dep.py': 'def main(args): return {"got": 7}',
        }),
      },
    ],
    [
      'a folder with activate_this.py',
      {
        dir: folder({
          '__main__.py': 'from dep import main',
          'virtualenv/bin/activate_this.py': text(
            'import os, sys',
            'sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../packages")',
          ),
          'virtualenv/packages/dep.py': 'def main(args): return {"got": 7}',
        }),
      },
    ],
    [
      'a module guarded against being the program',
      { source: 'def main(args): return {"got": 7}\nif __name__ == "__main__": exit(1)' },
    ],
    [
      'a module that looks itself up',
      {
        source: text(
          'import sys, dataclasses',
          '@dataclasses.dataclass',
          'class A:',
          '    got: "int" = 7',
          'def main(args): return dataclasses.asdict(A())',
        ),
      },
    ],
  ];
  for (const [title, code] of found) {
    it(title, async () => {
      await using driver = await Driver.boot(PYTHON);
      assert.deepEqual(await driver.init(code), { op: 'ready' });
      assert.deepEqual(await driver.run({ x: 7 }), { op: 'result', id: 1, status: 'ok', value: { got: 7 } });
    });
  }
});

describe('code that does not load in the Python driver', () => {
  it('a null byte', () => assertFails(python, { source: 'x = "\0"' }, /null bytes/));

  it('shows no frame of the driver', async () => {
    await using driver = await Driver.boot(PYTHON);
    const answer = await driver.init({ dir: folder({ '__main__.py': 'raise ValueError(1)' }) });
    assert.match(answer.error ?? '', /ValueError: 1/);
    assert.doesNotMatch(answer.error ?? '', /seuss_driver|importlib/);
  });
});

describe('results of the Python driver', () => {
  const cases: [string, string, string, JsonValue | RegExp][] = [
    ['NaN', 'return {"a": float("nan")}', 'developer_error', /dictionary or array\. Out of range float/],
    [
      'endless nesting',
      'a = []\n    for _ in range(100000): a = [a]\n    return a',
      'application_error',
      /nested more than 1000 levels deep/,
    ],
  ];
  for (const [title, body, status, expected] of cases) {
    it(title, async () =>
      assertAnswers(await firstAnswer(python, `def main(args):\n    ${body}\n`), status, expected),
    );
  }
});

describe('values in Python', () => {
  it('keep the digits of integers and the types of numbers', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      text(
        'def main(args):',
        '    return {"same": args, "types": [type(v).__name__ for v in args.values()]}',
      ),
    );
    const big = '7'.repeat(400);
    for (const [value, types] of [
      [`{"a":9007199254740993,"b":-9223372036854775809,"c":${big}}`, 'int","int","int'],
      ['{"a":10.0,"b":-0.0,"c":0,"d":0.1}', 'float","float","int","float'],
      ['{"a":1e+16,"b":1.5e-07}', 'float","float'],
      ['{"a":"é€😀","b":"\\u0001\\"\\\\\\u007f"}', 'str","str'],
    ] as const) {
      const sent = value.replaceAll('\\u007f', '\u007f');
      assert.equal(await driver.runText(sent), `"ok","value":{"same":${sent},"types":["${types}"]}`);
    }
  });

  it('may be integers of any length', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      text(
        'import sys',
        'def main(args):',
        '    return {"n": args["n"] + 1, "limit": sys.get_int_max_str_digits()}',
      ),
    );
    const digits = `1${'0'.repeat(20_000)}`;
    assert.equal(
      await driver.runText(`{"n":${digits}}`),
      `"ok","value":{"n":${digits.slice(0, -1)}1,"limit":4300}`,
    );
    assert.match(await driver.runText('{"n":1}'), /"ok","value":\{"n":2,/);
  });

  it('are UTF-8, whose halves of characters are escaped', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      text('def main(args):', '    return {"t": chr(0xd800) + "\\\\" + chr(0xdfff) + "é", chr(0xdc00): 1}'),
    );
    assert.equal(
      await driver.runText('{}'),
      '"ok","value":{"t":"\\ud800\\\\\\\\\\udfffé","\\udc00":1}'.replace('\\\\\\\\', '\\\\'),
    );
    assert.deepEqual((await driver.run({})).value, { t: '\ud800\\\udfffé', '\udc00': 1 });
    await driver.load('def main(args):\n    raise ValueError(chr(0xd800))');
    assert.equal(await driver.runText('{}'), '"application_error","value":{"error":"\\ud800"}');
  });

  it("that are no JSON are the developer's error", async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load('def main(args):\n    return {"a": eval(args["x"])}');
    for (const text of ['float("nan")', '-float("inf")', '{1}', 'b""', 'args', '{(1, 2): 3}']) {
      const answer = await driver.run({ x: text === 'args' ? '(lambda a: a.append(a) or a)([])' : text });
      assert.equal(answer.status, 'developer_error', JSON.stringify(answer));
    }
    assert.equal((await driver.run({ x: '1' })).status, 'ok');
  });

  it('are as deep as the node lets them be, whatever the recursion limit', async () => {
    await using driver = await Driver.boot(PYTHON);
    for (const limit of [1000, 300, 100_000]) {
      await driver.load(
        text(
          'import sys',
          `sys.setrecursionlimit(${limit})`,
          'def main(args):',
          '    return {"a": args["a"], "limit": sys.getrecursionlimit()}',
        ),
      );
      const value = nested(999);
      assert.equal(await driver.runText(`{"a":${value}}`), `"ok","value":{"a":${value},"limit":${limit}}`);
    }
  });
});

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

describe('runs in the Python driver', () => {
  it('print before the result, and the traceback of an exception', async () => {
    await using driver = await Driver.boot(PYTHON);
    const source = text(
      'def main(args):',
      '    print("é line", end="")',
      '    if args: 1 / 0',
      '    return {}',
    );
    await driver.load(source, { filename: 'hello.py' });
    await driver.run();
    await driver.run({ x: 1 });
    await driver.run();
    const { stdout, stderr } = await driver.outputOfAll();
    assert.equal(stdout, 'é line'.repeat(3));
    assert.equal(
      stderr,
      text(
        'Traceback (most recent call last):',
        '  File "hello.py", line 3, in main',
        '    if args: 1 / 0',
        '             ~~^~~',
        'ZeroDivisionError: division by zero',
      ),
    );
  });

  it('are collected before a capture', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      text(
        'import weakref',
        'class Cycle: pass',
        'held = lambda: None',
        'def main(args):',
        '    global held',
        '    if "hold" in args:',
        '        c = Cycle(); c.c = c; held = weakref.ref(c); del c',
        '    return {"held": held() is not None}',
      ),
    );
    assert.deepEqual((await driver.run({ hold: true })).value, { held: true });
    driver.send({ op: 'collect' });
    assert.deepEqual(await driver.receive(), { op: 'collected', drawn: false });
    assert.deepEqual((await driver.run()).value, { held: false });
  });
});

describe('randomness of NumPy in the Python driver', () => {
  it('is replaced by the seed, where it is installed', async (t) => {
    await using driver = await Driver.boot(PYTHON);
    const answer = await driver.init({
      source: 'import numpy\ndef main(args): return {"a": numpy.random.rand()}',
    });
    if (/No module named 'numpy'/.test(answer.error ?? '')) return t.skip('NumPy is not installed');
    const seed = newSeed();
    const values = [
      await driver.run({}, {}, seed),
      await driver.run({}, {}, seed),
      await driver.run({}, {}, newSeed()),
    ];
    const [a, b, c] = values.map(({ value }) => (value as { a: number }).a);
    assert.equal(a, b);
    assert.notEqual(a, c);
  });
});
