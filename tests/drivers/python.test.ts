import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { folder } from './folder.ts';
import { type Code, Driver, newSeed, PYTHON } from './harness.ts';

async function runOnce(source: string, value: JsonValue = {}, main = 'main') {
  await using driver = await Driver.boot(PYTHON);
  await driver.load(source, { main, filename: 'hello.py' });
  return await driver.run(value);
}

async function assertFailed(code: Code, pattern: RegExp): Promise<void> {
  await using driver = await Driver.boot(PYTHON);
  const answer = await driver.init(code);
  assert.equal(answer.op, 'failed');
  assert.match(answer.error ?? '', /^Initialization has failed due to: /);
  assert.match(answer.error ?? '', pattern);
}

describe('where the Python driver finds main', () => {
  const found: [string, Code][] = [
    ['a function', { source: 'def main(args): return {"got": args["x"]}' }],
    ['another name', { source: 'def other(args): return {"got": args["x"]}', main: 'other' }],
    [
      'a dotted name',
      {
        source: 'class Niam:\n    k = 7\n    def xyz(self, args): return {"got": self.k}\nniam = Niam()',
        main: 'niam.xyz',
      },
    ],
    [
      'a folder',
      {
        dir: folder({
          '__main__.py': 'import dep\ndef main(args): return dep.give()',
          'dep.py': 'def give(): return {"got": 7}',
        }),
      },
    ],
    [
      'another module of a folder',
      { dir: folder({ '__main__.py': '', 'a/b.py': 'def give(args): return {"got": 7}' }), main: 'a.b.give' },
    ],
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
          'virtualenv/bin/activate_this.py':
            'import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../packages")',
          'virtualenv/packages/dep.py': 'def main(args): return {"got": 7}',
        }),
      },
    ],
    [
      'files relative to the working directory',
      {
        dir: folder({
          '__main__.py': 'import json\ndef main(args): return json.load(open("data.json"))',
          'data.json': '{"got":7}',
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
        source:
          'import sys, dataclasses\n@dataclasses.dataclass\nclass A:\n    got: "int" = 7\ndef main(args): return dataclasses.asdict(A())',
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
  it('a syntax error', () =>
    assertFailed({ source: 'def main(:', filename: 'bad.py' }, /File "bad\.py", line 1[\s\S]*SyntaxError/));
  it('an exception', () =>
    assertFailed(
      { source: 'x = 1\nraise ValueError("at load")', filename: 'bad.py' },
      /File "bad\.py", line 2, in <module>\n {4}raise ValueError\("at load"\)\nValueError: at load\n$/,
    ));
  it('no main', () => assertFailed({ source: 'x = 1' }, /Action entrypoint 'main' is not a function\./));
  it('a main that is no function', () => assertFailed({ source: 'main = 1' }, /is not a function\./));
  it('no code', () => assertFailed({ source: '' }, /no code to execute/));
  it('a null byte', () => assertFailed({ source: 'x = "\0"' }, /null bytes/));
  it('a missing package', () =>
    assertFailed({ source: 'import not_there' }, /ModuleNotFoundError: No module named 'not_there'/));
  it('a folder without __main__.py', () =>
    assertFailed({ dir: folder({ 'a.py': '' }) }, /does not include mandatory files/));
  it('shows no frame of the driver', async () => {
    await using driver = await Driver.boot(PYTHON);
    const answer = await driver.init({ dir: folder({ '__main__.py': 'raise ValueError(1)' }) });
    assert.doesNotMatch(answer.error ?? '', /seuss_driver|importlib/);
  });
});

describe('results of the Python driver', () => {
  const refusal = 'The action did not return a dictionary or array.';
  const cases: [string, string, string, JsonValue | RegExp][] = [
    ['a list', 'return [1, "é", 2.5, None]', 'ok', [1, 'é', 2.5, null]],
    ['an empty dictionary', 'return {}', 'ok', {}],
    ['a lone surrogate', 'return {"a": "\\ud800"}', 'ok', { a: '\ud800' }],
    ['an error field', 'return {"error": "no"}', 'application_error', { error: 'no' }],
    ['an exception', 'raise ValueError("no")', 'application_error', { error: 'no' }],
    [
      'an exception without text',
      'class E(Exception):\n        def __str__(self): raise self\n    raise E()',
      'application_error',
      { error: 'E' },
    ],
    ['nothing', 'pass', 'developer_error', { error: refusal }],
    ['a text', 'return "x"', 'developer_error', { error: refusal }],
    ['NaN', 'return {"a": float("nan")}', 'developer_error', /dictionary or array\. Out of range float/],
    [
      'a set',
      'return {"a": {1}}',
      'developer_error',
      /dictionary or array\. Object of type set is not JSON serializable/,
    ],
    [
      'a cycle',
      'a = {}; a["a"] = a; return a',
      'developer_error',
      /dictionary or array\. Circular reference/,
    ],
    [
      'endless nesting',
      'a = []\n    for _ in range(100000): a = [a]\n    return a',
      'application_error',
      /nested more than 1000 levels deep/,
    ],
  ];
  for (const [title, body, status, expected] of cases) {
    it(title, async () => {
      const answer = await runOnce(`def main(args):\n    ${body}\n`);
      assert.equal(answer.status, status);
      if (expected instanceof RegExp)
        assert.match(String((answer.value as { error: string }).error), expected);
      else assert.deepEqual(answer.value, expected);
    });
  }
});

describe('runs in the Python driver', () => {
  it('print before the result, and the traceback of an exception', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load('def main(args):\n    print("é line", end="")\n    if args: 1 / 0\n    return {}', {
      filename: 'hello.py',
    });
    await driver.run();
    await driver.run({ x: 1 });
    await driver.run();
    assert.equal(driver.output.stdout, 'é line'.repeat(3));
    assert.equal(
      driver.output.stderr,
      'Traceback (most recent call last):\n  File "hello.py", line 3, in main\n    if args: 1 / 0\n             ~~^~~\nZeroDivisionError: division by zero\n',
    );
  });

  it('take and give large values, and go on', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load('def main(args): return args');
    for (const text of ['x'.repeat(48 << 20), 'é€😀'.repeat(1 << 20), 'small']) {
      assert.deepEqual((await driver.run({ text })).value, { text });
    }
  });

  it('serve several messages that arrive at once', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load('def main(args): return args');
    for (let id = 1; id <= 3; id++) driver.send({ op: 'run', id, value: { id } });
    for (let id = 1; id <= 3; id++) assert.deepEqual((await driver.receive()).value, { id });
  });

  it('see the environment of the action and of the run, and none of the run before', async () => {
    await using driver = await Driver.boot(PYTHON);
    const source =
      'import os\nat = os.environ["A"]\ndef main(args): return {"at": at, **{k: v for k, v in os.environ.items() if k in "ABC"}}';
    await driver.load(source, { env: { A: 'a' } });
    assert.deepEqual((await driver.run({}, { B: '1', C: '2' })).value, { at: 'a', A: 'a', B: '1', C: '2' });
    assert.deepEqual((await driver.run({}, { B: '3' })).value, { at: 'a', A: 'a', B: '3' });
  });

  it('survive a function that closes or replaces its streams', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      'import sys, json\ndef main(args):\n    sys.stdout.close()\n    sys.stderr = None\n    json.loads = json.dumps = None\n    if args: 1 / 0\n    return {"a": 1}',
    );
    assert.deepEqual((await driver.run()).value, { a: 1 });
    assert.deepEqual((await driver.run({ x: 1 })).value, { error: 'division by zero' });
  });

  it('end with sys.exit', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load('import sys\ndef main(args): sys.exit(3)');
    driver.send({ op: 'run', id: 1, value: {} });
    assert.equal(await driver.ended(), 3);
  });
});

describe('randomness in the Python driver', () => {
  const source = `
import random, uuid, tempfile, secrets
random.random(); random.gauss(0, 1); uuid.uuid1()
def main(args):
    return {"random": random.random(), "gauss": random.gauss(0, 1), "choice": random.getrandbits(64), "node": uuid.uuid1().node,
        "uuid4": str(uuid.uuid4()), "secret": secrets.token_hex()}`;

  it('is replaced by the seed of each deploy', async () => {
    await using driver = await Driver.boot(PYTHON);
    assert.deepEqual(await driver.init({ source }, newSeed()), { op: 'ready', seeded: true });
    const seed = newSeed();
    const first = await driver.run({}, {}, seed);
    const same = await driver.run({}, {}, seed);
    const other = await driver.run({}, {}, newSeed());
    assert.equal(first.seeded, true);
    const [a, b, c] = [first, same, other].map(({ value }) => value as Record<string, number | string>);
    assert(a && b && c);
    for (const name of ['random', 'gauss', 'choice', 'node']) assert.equal(a[name], b[name], name);
    for (const name of Object.keys(a)) assert.notEqual(a[name], c[name], name);
    for (const name of ['uuid4', 'secret']) assert.notEqual(a[name], b[name], name);
    assert.equal((await driver.run()).seeded, undefined);
  });

  it('of NumPy, where it is installed, too', async (t) => {
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

describe('Python runs', () => {
  it('are collected before a capture, with the environment of the last run', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      `import os, weakref
class Cycle: pass
held = lambda: None
def main(args):
    global held
    if "hold" in args:
        c = Cycle(); c.c = c; held = weakref.ref(c); del c
    return {"held": held() is not None, "key": os.environ.get("KEY")}`,
    );
    assert.deepEqual((await driver.run({ hold: true }, { KEY: 'k' })).value, { held: true, key: 'k' });
    driver.send({ op: 'collect' });
    assert.deepEqual(await driver.receive(), { op: 'collected', drawn: false });
    assert.deepEqual((await driver.run()).value, { held: false, key: null });
  });
});

describe('anticipatory optimisation of the Python driver', () => {
  it('succeeds, says nothing, and leaves nothing behind', async () => {
    await using driver = await Driver.boot(PYTHON, { anticipate: true });
    await driver.load(
      'import gc, os, sys, threading\ndef main(args):\n    return {"threads": threading.active_count(), "frozen": gc.get_freeze_count() > 10000, "enabled": gc.isenabled(), "path": sys.path[0],\n        "env": [k for k in os.environ if k.startswith(("ANTICIPATED", "__OW_", "SEUSS_"))], "cwd": os.getcwd(), "fds": [fd for fd in range(3, 100) if os.path.lexists(f"/proc/self/fd/{fd}")]}',
    );
    const { value } = await driver.run();
    assert.deepEqual(driver.output, { stdout: '', stderr: '' });
    const { path, ...rest } = value as { path: string };
    assert.doesNotMatch(path, /drivers/);
    assert.deepEqual(rest, {
      threads: 1,
      frozen: true,
      enabled: true,
      env: [],
      cwd: process.cwd(),
      fds: [3],
    });
  });
});
