/** What docs/reference/driver-protocol.md promises of `specialize` and `resume`, of every driver. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { ALL, check, specialized } from './arguments.ts';
import { type InEach, type InSome, itInEach, text } from './languages.ts';

/** Uses of the arguments `p`, of which `a` is fixed, and what they come to with all of ALL. */
const USES: Readonly<Record<string, InEach<readonly [string, JsonValue]>>> = {
  'another key': { nodejs: ['p.b', 2], python: ['p["b"]', 2] },
  'a key that nobody gave': {
    nodejs: ['String(p.nothing)', 'undefined'],
    python: ['str(p.get("nothing"))', 'None'],
  },
  'a nested one': { nodejs: ['p.c.d[0]', 3], python: ['p["c"]["d"][0]', 3] },
  in: {
    nodejs: ['["a" in p, "b" in p, "z" in p]', [true, true, false]],
    python: ['["a" in p, "b" in p, "z" in p]', [true, true, false]],
  },
  'its size': { nodejs: ['Object.keys(p).length', 3], python: ['len(p)', 3] },
  'its keys': { nodejs: ['Object.keys(p)', ['b', 'a', 'c']], python: ['list(p)', ['b', 'a', 'c']] },
  'its entries': {
    nodejs: ['Object.entries(p).map(([k]) => k)', ['b', 'a', 'c']],
    python: ['[k for k, v in p.items()]', ['b', 'a', 'c']],
  },
  'its values': {
    nodejs: ['Object.values(p)', [2, 1, { d: [3] }]],
    python: ['list(p.values())', [2, 1, { d: [3] }]],
  },
  'a display of it and others': {
    nodejs: ['({ ...p, z: 1 })', { ...ALL, z: 1 }],
    python: ['{**p, "z": 1}', { ...ALL, z: 1 }],
  },
  'an update of another one': {
    nodejs: ['Object.assign({ z: 1 }, p)', { ...ALL, z: 1 }],
    python: ['(lambda d: d.update(p) or d)({"z": 1})', { ...ALL, z: 1 }],
  },
  JSON: {
    nodejs: ['JSON.stringify(p)', JSON.stringify(ALL)],
    python: ['json.dumps(p)', '{"b": 2, "a": 1, "c": {"d": [3]}}'],
  },
  'indented JSON of what holds it': {
    nodejs: ['JSON.parse(JSON.stringify({ p: [p] }, null, 1))', { p: [ALL] }],
    python: ['json.loads(json.dumps({"p": [p]}, indent=1))', { p: [ALL] }],
  },
  'a deep copy of what holds it': {
    nodejs: ['structuredClone({ list: [p, p] })', { list: [ALL, ALL] }],
    python: ['copy.deepcopy({"list": [p, p]})', { list: [ALL, ALL] }],
  },
  'being written as bytes': {
    nodejs: ['require("v8").deserialize(require("v8").serialize(p))', ALL],
    python: ['pickle.loads(pickle.dumps(p))', ALL],
  },
  deletion: {
    nodejs: ['[delete p.b, Object.keys(p)]', [true, ['a', 'c']]],
    python: ['[p.__delitem__("b"), list(p)]', [null, ['a', 'c']]],
  },
  'being shown': {
    nodejs: ['require("util").inspect(p)', '{ b: 2, a: 1, c: { d: [ 3 ] } }'],
    python: ['repr(p)', "{'b': 2, 'a': 1, 'c': {'d': [3]}}"],
  },
  'being a text': {
    nodejs: ['String(p)', '[object Object]'],
    python: ['f"{p}"', "{'b': 2, 'a': 1, 'c': {'d': [3]}}"],
  },
  comparison: {
    nodejs: ['require("util").isDeepStrictEqual({ ...p }, { b: 2, a: 1, c: { d: [3] } })', true],
    python: ['[p == {"b": 2, "a": 1, "c": {"d": [3]}}, {} == p, p != {}]', [true, false, true]],
  },
};

const AROUND: InEach<(expression: string) => string> = {
  nodejs: (expression) =>
    `function main(p) { step(p.a); const value = ${expression}; step("late"); return { value } }`,
  python: (expression) =>
    text(
      'import copy, json, pickle',
      'def main(p):',
      '    step(str(p["a"]))',
      `    value = ${expression}`,
      '    step("late")',
      '    return {"value": value}',
    ),
};

/** Where a function may be when it needs another argument: it says `x`, and answers `{v: 2}`. */
const PLACES: Readonly<Record<string, InEach<string>>> = {
  'an asynchronous function': {
    nodejs: 'async function main(p) { await null; step("x"); return { v: p.b } }',
    python: text(
      'import asyncio',
      'async def f(p):',
      '    await asyncio.sleep(0)',
      '    step("x")',
      '    return p["b"]',
      'def main(p): return {"v": asyncio.run(f(p))}',
    ),
  },
  'several at once': {
    nodejs: text(
      'const one = async (p, n) => { await null; if (n === 1) step("x"); return p.b };',
      'function main(p) {',
      '  const all = () => Promise.all([1, 2].map((n) => one(p, n)));',
      '  return Promise.resolve().then(all).then(([v]) => ({ v }));',
      '}',
    ),
    python: text(
      'import asyncio',
      'async def f(p, n):',
      '    await asyncio.sleep(n / 1000)',
      '    if n == 0: step("x")',
      '    return p["b"]',
      'async def all(p): return await asyncio.gather(*(f(p, n) for n in range(3)))',
      'def main(p): return {"v": asyncio.run(all(p))[0]}',
    ),
  },
  'a generator': {
    nodejs: 'function* g(p) { step("x"); yield p.b } function main(p) { return { v: [...g(p)][0] } }',
    python: text('def g(p):', '    step("x")', '    yield p["b"]', 'def main(p): return {"v": next(g(p))}'),
  },
  'a helper': {
    nodejs: 'const f = (p) => { step("x"); return p.b }; const main = (p) => ({ v: f(p) });',
    python: 'def f(p):\n    step("x")\n    return p["b"]\ndef main(p): return {"v": f(p)}',
  },
  'a recursion': {
    nodejs: text(
      'const f = (p, n) => n ? f(p, n - 1) : (step("x"), p.b);',
      'const main = (p) => ({ v: f(p, 500) });',
    ),
    python: text(
      'def f(p, n): return f(p, n - 1) if n else (step("x"), p["b"])[1]',
      'def main(p): return {"v": f(p, 300)}',
    ),
  },
  'a handler of an error': {
    nodejs: text(
      'function main(p) {',
      '  try { throw 1 } catch { step("x"); return { v: p.b } } finally { p.a }',
      '}',
    ),
    python: text(
      'def main(p):',
      '    try:',
      '        raise ValueError',
      '    except ValueError:',
      '        step("x")',
      '        return {"v": p["b"]}',
    ),
  },
};

const GIVEN = { fixed: { a: 1 }, all: ALL };

describe('a specialized run parks', () => {
  for (const [title, uses] of Object.entries(USES)) {
    itInEach(`before ${title}`, uses, (language, [expression, value]) =>
      check(language, AROUND[language.name](expression), GIVEN, ['1'], { value }),
    );
  }

  for (const [title, sources] of Object.entries(PLACES)) {
    itInEach(`in ${title}`, sources, (language, source) => check(language, source, GIVEN, ['x'], { v: 2 }));
  }

  const json: InEach<readonly [string, string]> = {
    nodejs: ['function main(p) { step("x"); return { v: JSON.stringify(p) } }', '{"b":2}'],
    python: ['import json\ndef main(p):\n    step("x")\n    return {"v": json.dumps(p)}', '{"b": 2}'],
  };
  itInEach('before JSON of arguments none of which is fixed', json, (language, [source, v]) =>
    check(language, source, { all: { b: 2 } }, ['x'], { v }),
  );

  const enough = {
    nodejs: 'async function main({ a }) { step("x"); return { a } }',
    python: 'def main(p):\n    step("x")\n    return {"a": p["a"]}',
  };
  itInEach('before its answer when it needs nothing else', enough, (language, source) =>
    check(language, source, GIVEN, ['x'], { a: 1 }),
  );

  const same = {
    nodejs: 'const main = async (p) => { p.z = 1; step("x"); return p };',
    python: 'def main(p):\n    p["z"] = 1\n    step("x")\n    return p',
  };
  itInEach('when it answers with its arguments', same, (language, source) =>
    check(language, source, GIVEN, ['x'], { ...ALL, z: 1 }),
  );

  const failing: InEach<readonly [string, string, string]> = {
    nodejs: [
      'function main() { step("x"); throw new Error("no") }',
      'developer_error',
      'An error has occurred: Error: no',
    ],
    python: ['def main(p):\n    step("x")\n    raise ValueError("no")', 'application_error', 'no'],
  };
  itInEach('before the answer of an error', failing, (language, [source, status, error]) =>
    check(language, source, {}, ['x'], { error }, status),
  );

  const stuck: InSome<string> = {
    nodejs: 'const main = () => { step("x"); return new Promise(() => {}) };',
    python: { skip: 'a function of Python that waits for ever is never given up by its driver' },
  };
  itInEach('before it is given up', stuck, async (language, source) => {
    const { steps, answer } = await specialized(language, source, {});
    assert.deepEqual([steps, answer.status], [['x'], 'developer_error']);
  });

  /** Each: how it asks for the variable, and what it gets. */
  const forms: InEach<readonly (readonly [string, JsonValue])[]> = {
    nodejs: [
      ['process.env.__OW_ACTIVATION_ID', 'x'],
      ['(({ __OW_ACTIVATION_ID: id }) => id)(process.env)', 'x'],
      ['"__OW_ACTIVATION_ID" in process.env', true],
      ['Object.keys(process.env).includes("__OW_ACTIVATION_ID")', true],
      ['({ ...process.env }).__OW_ACTIVATION_ID', 'x'],
      ['require("process").env.__OW_ACTIVATION_ID', 'x'],
    ],
    python: [
      ['os.environ["__OW_ACTIVATION_ID"]', 'x'],
      ['os.getenv("__OW_ACTIVATION_ID")', 'x'],
      ['os.environb[b"__OW_ACTIVATION_ID"].decode()', 'x'],
      ['"__OW_ACTIVATION_ID" in os.environ', true],
      ['"__OW_ACTIVATION_ID" in list(os.environ)', true],
      ['dict(os.environ)["__OW_ACTIVATION_ID"]', 'x'],
      ['(os.environ | {})["__OW_ACTIVATION_ID"]', 'x'],
      ['os.environ.copy()["__OW_ACTIVATION_ID"]', 'x'],
      ['"__OW_ACTIVATION_ID" in repr(os.environ)', true],
    ],
  };
  const asking: InEach<(expression: string) => string> = {
    nodejs: (expression) =>
      'function main() { step(String(process.env.NOTHING)); ' +
      `const v = ${expression}; step("late"); return { v } }`,
    python: (expression) =>
      text(
        'def main(p):',
        '    step(os.environ.get("NOTHING", "undefined"))',
        `    v = ${expression}`,
        '    step("late")',
        '    return {"v": v}',
      ),
  };
  itInEach('before a variable of the invocation, not before another', forms, async (language, own) => {
    const env = { __OW_ACTIVATION_ID: 'x' };
    for (const [expression, v] of own) {
      await check(language, asking[language.name](expression), { env }, ['undefined'], { v });
    }
  });
});
