import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { bootWithModules, check, specialized } from './arguments.ts';

const ALL = { b: 2, a: 1, c: { d: [3] } };
const TEXT = "{'b': 2, 'a': 1, 'c': {'d': [3]}}";

/** Uses of the arguments `p`, of which `a` is fixed, and what they come to with all of ALL. */
const USES: readonly [string, string, JsonValue][] = [
  ['another key', 'p["b"]', 2],
  ['a key by get', '[p.get("a"), p.get("b"), p.get("z"), p.get("z", 9)]', [1, 2, null, 9]],
  ['a nested one', 'p["c"]["d"][0]', 3],
  ['in', '["a" in p, "b" in p, "z" in p]', [true, true, false]],
  ['its size', 'len(p)', 3],
  ['its truth', 'bool(p)', true],
  ['its keys', 'list(p)', ['b', 'a', 'c']],
  ['its items', '[k for k, v in p.items()]', ['b', 'a', 'c']],
  ['its values', 'list(p.values())', [2, 1, { d: [3] }]],
  ['the last key', 'next(reversed(p))', 'c'],
  ['sorting', 'sorted(p)', ['a', 'b', 'c']],
  ['a set', 'len(set(p))', 3],
  ['unpacking', '[*p]', ['b', 'a', 'c']],
  ['dict()', 'dict(p)', ALL],
  ['a display', '{**p, "z": 1}', { ...ALL, z: 1 }],
  ['keyword arguments', '(lambda a, b, **rest: [a, b, rest])(**p)', [1, 2, { c: { d: [3] } }]],
  ['a copy', 'p.copy()', ALL],
  ['copy.copy', 'copy.copy(p)', ALL],
  ['copy.deepcopy', 'copy.deepcopy({"p": p})["p"]', ALL],
  ['pickle', 'pickle.loads(pickle.dumps(p))', ALL],
  [
    'the class of a copy',
    '[type(f(p)).__name__ for f in (copy.copy, copy.deepcopy, dict)]',
    ['dict', 'dict', 'dict'],
  ],
  ['a union', 'p | {"z": 1}', { ...ALL, z: 1 }],
  ['a union from the right', '{"z": 1} | p', { z: 1, ...ALL }],
  ['an update of another one', '(lambda d: d.update(p) or d)({"z": 1})', { z: 1, ...ALL }],
  ['equality', '[p == {"b": 2, "a": 1, "c": {"d": [3]}}, {} == p, p != {}]', [true, false, true]],
  ['repr', 'repr(p)', TEXT],
  ['an f-string', 'f"{p}"', TEXT],
  ['json.dumps', 'json.dumps(p)', '{"b": 2, "a": 1, "c": {"d": [3]}}'],
  ['json.dumps with an indent', 'json.loads(json.dumps({"p": [p]}, indent=1))', { p: [ALL] }],
  ['pprint', 'pprint.pformat(p, sort_dicts=False)', TEXT],
  ['format_map', '"{b}".format_map(p)', '2'],
  ['the % operator', '"%(b)s" % p', '2'],
  ['itemgetter', 'operator.itemgetter("b")(p)', 2],
  ['ChainMap', 'collections.ChainMap({}, p)["b"]', 2],
  ['a Counter', 'len(collections.Counter(p.keys()))', 3],
  ['pop', '[p.pop("b"), list(p)]', [2, ['a', 'c']]],
  ['pop with a default', 'p.pop("z", 9)', 9],
  ['popitem', 'p.popitem()[0]', 'c'],
  ['setdefault', '[p.setdefault("b", 7), p.setdefault("z", 8)]', [2, 8]],
  ['deletion', '(p.__delitem__("b"), list(p))[1]', ['a', 'c']],
  ['clear', '(p.clear(), dict(p))[1]', {}],
  ['an exception for a key that is not there', 'missing(p)', "'z'"],
  ['match', 'matched(p)', [2, { c: { d: [3] } }]],
];

const IMPORTS = `import collections, copy, json, operator, pickle, pprint
def missing(p):
    try:
        p["z"]
    except KeyError as error:
        return str(error)
def matched(p):
    match p:
        case {"a": 1, "b": b, **rest}:
            return [b, rest]
`;

describe('a specialised run in the Python driver', () => {
  for (const [title, expression, value] of USES) {
    it(`parks before ${title}`, () =>
      check(
        'python',
        `${IMPORTS}\ndef main(p):\n    step(str(p["a"]))\n    value = ${expression}\n    step("late")\n    return {"value": value}`,
        { fixed: { a: 1 }, all: ALL },
        ['1'],
        { value },
      ));
  }

  it('parks before JSON of arguments none of which is fixed', () =>
    check(
      'python',
      'import json\ndef main(p):\n    step("x")\n    return {"v": json.dumps(p)}',
      { all: { b: 2 } },
      ['x'],
      {
        v: '{"b": 2}',
      },
    ));

  const places: readonly [string, string][] = [
    ['a helper', 'def f(p):\n    step("x")\n    return p["b"]\ndef main(p): return {"v": f(p)}'],
    ['a generator', 'def g(p):\n    step("x")\n    yield p["b"]\ndef main(p): return {"v": next(g(p))}'],
    ['a comprehension', 'def main(p):\n    step("x")\n    return {"v": [p["b"] for _ in range(3)][0]}'],
    [
      'a coroutine',
      'import asyncio\nasync def f(p):\n    await asyncio.sleep(0)\n    step("x")\n    return p["b"]\ndef main(p): return {"v": asyncio.run(f(p))}',
    ],
    [
      'tasks',
      'import asyncio\nasync def f(p, n):\n    await asyncio.sleep(n / 1000)\n    if n == 0: step("x")\n    return p["b"]\nasync def all(p): return await asyncio.gather(*(f(p, n) for n in range(3)))\ndef main(p): return {"v": asyncio.run(all(p))[0]}',
    ],
    [
      'a thread',
      'import threading\ndef main(p):\n    out = []\n    def f():\n        step("x")\n        out.append(p["b"])\n    t = threading.Thread(target=f)\n    t.start()\n    t.join()\n    return {"v": out[0]}',
    ],
    [
      'a pool of threads at once',
      'from concurrent.futures import ThreadPoolExecutor\nimport threading\ndef main(p):\n    barrier = threading.Barrier(4)\n    def f(n):\n        if n == 0: step("x")\n        barrier.wait()\n        return p["b"]\n    with ThreadPoolExecutor(4) as pool: values = list(pool.map(f, range(4)))\n    assert values == [2] * 4\n    return {"v": values[0]}',
    ],
    [
      'an exception handler',
      'def main(p):\n    try:\n        raise ValueError\n    except ValueError:\n        step("x")\n        return {"v": p["b"]}',
    ],
    [
      'a context manager',
      'import contextlib\n@contextlib.contextmanager\ndef c(p):\n    step("x")\n    yield p["b"]\ndef main(p):\n    with c(p) as v: return {"v": v}',
    ],
    [
      'a decorated main',
      'import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(p):\n        step("x")\n        return f(**p)\n    return g\n@d\ndef main(b, **_): return {"v": b}',
    ],
    [
      'a trace of a recursion',
      'def f(p, n): return f(p, n - 1) if n else (step("x"), p["b"])[1]\ndef main(p): return {"v": f(p, 300)}',
    ],
  ];
  for (const [title, source] of places) {
    it(`parks in ${title}`, () => check('python', source, { fixed: { a: 1 }, all: ALL }, ['x'], { v: 2 }));
  }

  it('parks before its answer when it needs nothing else', () =>
    check(
      'python',
      'def main(p):\n    step("x")\n    return {"a": p["a"]}',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      { a: 1 },
    ));

  it('parks when it answers with its arguments', () =>
    check(
      'python',
      'def main(p):\n    p["z"] = 1\n    step("x")\n    return p',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      {
        ...ALL,
        z: 1,
      },
    ));

  it('parks before the answer of an exception', () =>
    check(
      'python',
      'def main(p):\n    step("x")\n    raise ValueError("no")',
      {},
      ['x'],
      { error: 'no' },
      'application_error',
    ));

  it('keeps what the function changed before', () =>
    check(
      'python',
      `def main(p):
    p["a"].append(2)
    p["new"] = 1
    p |= {"b": "own"}
    p.update([("more", 1)], most=2)
    del p["gone"]
    assert p.pop("lost") == 1
    step(str(p.get("gone")) + str("lost" in p))
    return {"all": p, "names": list(p)}`,
      {
        fixed: { a: [1], gone: 1, lost: 1 },
        all: { z: 0, b: 2, gone: 1, a: [1], lost: 1, c: 3 },
      },
      ['NoneFalse'],
      {
        all: { z: 0, b: 'own', a: [1, 2], c: 3, new: 1, more: 1, most: 2 },
        names: ['z', 'b', 'a', 'c', 'new', 'more', 'most'],
      },
    ));

  it('has a plain dictionary from then on, to isinstance and to its methods', () =>
    check(
      'python',
      `import json
def main(p):
    p["b"]
    p["x"] = 1
    del p["a"]
    return {"v": json.dumps(p), "is": isinstance(p, dict), "own": sorted(n for n in vars(type(p)) if n in vars(dict)), "len": len(p)}`,
      { fixed: { a: 1 }, all: { a: 1, b: 2 } },
      [],
      { v: '{"b": 2, "x": 1}', is: true, own: ['__doc__'], len: 2 },
    ));

  it('parks before a variable of the invocation, not before another', async () => {
    const env = { __OW_ACTIVATION_ID: 'x' };
    const forms: [string, JsonValue][] = [
      ['os.environ["__OW_ACTIVATION_ID"]', 'x'],
      ['os.getenv("__OW_ACTIVATION_ID")', 'x'],
      ['os.environb[b"__OW_ACTIVATION_ID"].decode()', 'x'],
      ['"__OW_ACTIVATION_ID" in os.environ', true],
      ['"__OW_ACTIVATION_ID" in list(os.environ)', true],
      ['dict(os.environ)["__OW_ACTIVATION_ID"]', 'x'],
      ['(os.environ | {})["__OW_ACTIVATION_ID"]', 'x'],
      ['os.environ.copy()["__OW_ACTIVATION_ID"]', 'x'],
      ['"__OW_ACTIVATION_ID" in repr(os.environ)', true],
    ];
    for (const [expression, value] of forms) {
      const source = `def main(p):\n    step(os.environ.get("NOTHING", "-"))\n    v = ${expression}\n    step("late")\n    return {"v": v}`;
      await check('python', source, { env }, ['-'], { v: value });
    }
  });

  it('says what it used that is new in each run', async () => {
    const source = `import asyncio, random, secrets, socket, ssl, tempfile, time, urllib.request, uuid
from os import urandom
def main(p):
    use = p["use"]
    if use == "time": time.time(); time.localtime(); time.perf_counter()
    if use == "random": random.random()
    if use == "urandom": urandom(4); uuid.uuid4()
    if use == "generator": random.Random()
    if use == "secrets": secrets.token_hex()
    if use == "ssl": ssl.RAND_bytes(4)
    if use == "proxies":
        urllib.request.getproxies()
        use = p["use"]
    if use == "seeded": random.Random(7).random()
    if use == "temporary": tempfile.mkdtemp()
    if use == "loop": asyncio.run(asyncio.sleep(0))
    if use == "net": socket.socket().connect_ex(("127.0.0.1", 1))
    return {"same": time.time.__class__.__name__ + socket.socket.connect.__class__.__name__}`;
    const observed = async (use: string) => {
      const { parked, answer } = await specialized('python', source, { fixed: { use }, all: { use } });
      assert.equal(answer.status, 'ok');
      return parked.observed;
    };
    assert.deepEqual(await observed('nothing'), []);
    assert.deepEqual(await observed('time'), [
      'time: time.localtime',
      'time: time.perf_counter',
      'time: time.time',
    ]);
    assert.deepEqual(await observed('random'), ['random: random']);
    assert.deepEqual(await observed('urandom'), ['random: os.urandom']);
    assert.deepEqual(await observed('generator'), ['random: random.Random']);
    assert.deepEqual(await observed('secrets'), ['random: os.urandom']);
    assert.deepEqual(await observed('ssl'), ['random: ssl.RAND_bytes']);
    assert.deepEqual(await observed('net'), ['network: socket']);
    for (const use of ['seeded', 'temporary', 'loop', 'proxies'])
      assert.deepEqual(await observed(use), [], use);
  });

  it('leaves the driver as it was', async () => {
    await using driver = await bootWithModules('python');
    await driver.load(
      'import os, random, socket, time\ndef main(p): return {"type": str(type(p)), "time": str(time.time), "seed": str(random.Random.seed), "own": [n for n in vars(socket.socket) if n.startswith("connect")], "env": os.environ.get("__OW_X")}',
      { filename: 'a.py' },
    );
    const { value: first } = await driver.run({ a: 1 }, { __OW_X: '1' });
    await driver.specialize({});
    const { value } = await driver.resume({ a: 1 }, { __OW_X: '1' });
    assert.match(String((value as JsonObject).type), /Arguments/);
    assert.deepEqual((await driver.run({ a: 1 }, { __OW_X: '1' })).value, first);
  });

  it('that ends the program does not answer', async () => {
    await using driver = await bootWithModules('python');
    await driver.load('import sys\ndef main(p): sys.exit(3)', { filename: 'a.py' });
    driver.send({ op: 'specialize', id: 1, value: {} });
    assert.equal(await driver.ended(), 3);
  });
});

describe('checkpoint() in the Python driver', () => {
  const source = `import os, seuss
early = [seuss.checkpoint(), seuss.checkpoint(7)]
runs = 0
def helper(): return seuss.checkpoint()
def main(params):
    global runs
    runs += 1
    x = params["x"]
    rows = [helper()["x"] for _ in range(3)]
    return {"early": early, "runs": runs, "before": x, "rows": rows, "same": params["x"], "again": seuss.checkpoint(params) is params, "env": os.environ.get("__OW_X"), "size": len(params)}`;

  it('parks the first time in a run that asks for it', async () => {
    await using driver = await bootWithModules('python');
    await driver.load(source, { filename: 'a.py' });
    driver.send({ op: 'run', id: 1, value: { x: 1, y: 1 }, env: { __OW_X: '1' }, checkpoint: true });
    assert.deepEqual(await driver.receive(), { op: 'parked', id: 1, observed: [] });
    const answer = await driver.resume({ x: 2 }, { __OW_X: '2' });
    assert.deepEqual(answer.value, {
      early: [null, 7],
      runs: 1,
      before: 1,
      rows: [2, 2, 2],
      same: 2,
      again: true,
      env: '2',
      size: 1,
    });
    assert.equal(answer.checkpoint, undefined);
  });

  it('returns at once in one that does not, which says so', async () => {
    await using driver = await bootWithModules('python');
    await driver.load(source, { filename: 'a.py' });
    const answer = await driver.run({ x: 1 });
    assert.deepEqual([answer.checkpoint, (answer.value as JsonObject).rows], [true, [1, 1, 1]]);
    await driver.load('def main(p): return {}', { filename: 'a.py' });
    assert.equal((await driver.run({ x: 1 })).checkpoint, undefined);
  });

  it('may not come at all', async () => {
    await using driver = await bootWithModules('python');
    await driver.load('def main(p): return p', { filename: 'a.py' });
    driver.send({ op: 'run', id: 1, value: { x: 1 }, env: {}, checkpoint: true });
    assert.deepEqual(await driver.receive(), { op: 'result', id: 1, status: 'ok', value: { x: 1 } });
  });

  it('parks a specialised run', () =>
    check(
      'python',
      'import seuss\ndef main(p):\n    step("x")\n    q = seuss.checkpoint()\n    step("late")\n    return {"a": q["a"], "b": q["b"], "same": q is p}',
      { fixed: { a: 1 }, all: ALL },
      ['x'],
      { a: 1, b: 2, same: true },
    ));
});
