/** Specialised runs of Python, where they have no like in other languages. */
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { ALL, check } from './arguments.ts';
import { languageOf, text } from './languages.ts';

const python = languageOf('python');

/** Uses of the arguments `p`, of which `a` is fixed, and what they come to with all of ALL. */
const USES: readonly [string, string, JsonValue][] = [
  ['a key by get', '[p.get("a"), p.get("b"), p.get("z"), p.get("z", 9)]', [1, 2, null, 9]],
  ['its truth', 'bool(p)', true],
  ['the last key', 'next(reversed(p))', 'c'],
  ['sorting', 'sorted(p)', ['a', 'b', 'c']],
  ['a set', 'len(set(p))', 3],
  ['unpacking', '[*p]', ['b', 'a', 'c']],
  ['dict()', 'dict(p)', ALL],
  ['keyword arguments', '(lambda a, b, **rest: [a, b, rest])(**p)', [1, 2, { c: { d: [3] } }]],
  ['a copy', 'p.copy()', ALL],
  ['copy.copy', 'copy.copy(p)', ALL],
  [
    'the class of a copy',
    '[type(f(p)).__name__ for f in (copy.copy, copy.deepcopy, dict)]',
    ['dict', 'dict', 'dict'],
  ],
  ['a union', 'p | {"z": 1}', { ...ALL, z: 1 }],
  ['a union from the right', '{"z": 1} | p', { z: 1, ...ALL }],
  ['pprint', 'pprint.pformat(p, sort_dicts=False)', "{'b': 2, 'a': 1, 'c': {'d': [3]}}"],
  ['format_map', '"{b}".format_map(p)', '2'],
  ['the % operator', '"%(b)s" % p', '2'],
  ['itemgetter', 'operator.itemgetter("b")(p)', 2],
  ['ChainMap', 'collections.ChainMap({}, p)["b"]', 2],
  ['a Counter', 'len(collections.Counter(p.keys()))', 3],
  ['pop', '[p.pop("b"), list(p)]', [2, ['a', 'c']]],
  ['pop with a default', 'p.pop("z", 9)', 9],
  ['popitem', 'p.popitem()[0]', 'c'],
  ['setdefault', '[p.setdefault("b", 7), p.setdefault("z", 8)]', [2, 8]],
  ['clear', '(p.clear(), dict(p))[1]', {}],
  ['an exception for a key that is not there', 'missing(p)', "'z'"],
  ['match', 'matched(p)', [2, { c: { d: [3] } }]],
];

const HELPERS = text(
  'import collections, copy, operator, pprint',
  'def missing(p):',
  '    try:',
  '        p["z"]',
  '    except KeyError as error:',
  '        return str(error)',
  'def matched(p):',
  '    match p:',
  '        case {"a": 1, "b": b, **rest}:',
  '            return [b, rest]',
);

const PLACES: Readonly<Record<string, string>> = {
  'a comprehension': text('def main(p):', '    step("x")', '    return {"v": [p["b"] for _ in range(3)][0]}'),
  'a thread': text(
    'import threading',
    'def main(p):',
    '    out = []',
    '    def f():',
    '        step("x")',
    '        out.append(p["b"])',
    '    t = threading.Thread(target=f)',
    '    t.start()',
    '    t.join()',
    '    return {"v": out[0]}',
  ),
  'a pool of threads at once': text(
    'from concurrent.futures import ThreadPoolExecutor',
    'import threading',
    'def main(p):',
    '    barrier = threading.Barrier(4)',
    '    def f(n):',
    '        if n == 0: step("x")',
    '        barrier.wait()',
    '        return p["b"]',
    '    with ThreadPoolExecutor(4) as pool: values = list(pool.map(f, range(4)))',
    '    assert values == [2] * 4',
    '    return {"v": values[0]}',
  ),
  'a context manager': text(
    'import contextlib',
    '@contextlib.contextmanager',
    'def c(p):',
    '    step("x")',
    '    yield p["b"]',
    'def main(p):',
    '    with c(p) as v: return {"v": v}',
  ),
  'a decorated main': text(
    'import functools',
    'def d(f):',
    '    @functools.wraps(f)',
    '    def g(p):',
    '        step("x")',
    '        return f(**p)',
    '    return g',
    '@d',
    'def main(b, **_): return {"v": b}',
  ),
};

describe('a specialized run in the Python driver', () => {
  for (const [title, expression, value] of USES) {
    const main = text(
      'def main(p):',
      '    step(str(p["a"]))',
      `    value = ${expression}`,
      '    step("late")',
      '    return {"value": value}',
    );
    it(`parks before ${title}`, () =>
      check(python, HELPERS + main, { fixed: { a: 1 }, all: ALL }, ['1'], { value }));
  }

  for (const [title, source] of Object.entries(PLACES)) {
    it(`parks in ${title}`, () => check(python, source, { fixed: { a: 1 }, all: ALL }, ['x'], { v: 2 }));
  }

  it('has a plain dictionary from then on, to isinstance and to its methods', () => {
    const source = text(
      'import json',
      'def main(p):',
      '    p["b"]',
      '    p["x"] = 1',
      '    del p["a"]',
      '    own = sorted(n for n in vars(type(p)) if n in vars(dict))',
      '    return {"v": json.dumps(p), "is": isinstance(p, dict), "own": own, "len": len(p),',
      '        "type": type(p).__name__}',
    );
    const value = { v: '{"b": 2, "x": 1}', is: true, own: ['__doc__'], len: 2, type: 'Arguments' };
    return check(python, source, { fixed: { a: 1 }, all: { a: 1, b: 2 } }, [], value);
  });
});
