import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAnswer } from '../../src/uc/driver-messages.ts';
import { Driver, NODEJS, PYTHON } from './harness.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const TOO_DEEP =
  '"application_error","value":{"error":"The action produced a response that is nested more than 1000 levels deep."}';

describe('values in Python', () => {
  it('are what json.loads and json.dumps make of them, to the digit', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      'def main(args):\n    return {"same": args, "types": [type(v).__name__ for v in args.values()]}',
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
      'import sys\ndef main(args):\n    return {"n": args["n"] + 1, "limit": sys.get_int_max_str_digits()}',
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
      'def main(args):\n    return {"t": chr(0xd800) + "\\\\" + chr(0xdfff) + "é", chr(0xdc00): 1}',
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
    const source = (limit: number) =>
      `import sys\nsys.setrecursionlimit(${limit})\ndef main(args):\n    return {"a": args["a"], "limit": sys.getrecursionlimit()}`;
    for (const limit of [1000, 300, 100_000]) {
      await driver.load(source(limit));
      const value = nested(999);
      assert.equal(await driver.runText(`{"a":${value}}`), `"ok","value":{"a":${value},"limit":${limit}}`);
    }
  });

  it('that are deeper are an error, and the driver lives', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      'import sys\nsys.setrecursionlimit(1_000_000)\ndef main(args):\n    a = []\n    for _ in range(args["n"]): a = [a]\n    return a',
    );
    assert.equal(await driver.runText('{"n":500000}'), TOO_DEEP);
    assert.match(await driver.runText('{"n":10}'), /^"ok"/);
    const deeper = await driver.runText('{"n":2000}');
    assert.ok(deeper === TOO_DEEP || deeper === `"ok","value":${nested(2001)}`);
  });

  it('that raise an error no text can be made of are an error all the same', async () => {
    await using driver = await Driver.boot(PYTHON);
    await driver.load(
      'class Bad(Exception):\n    def __str__(self): raise ValueError("no")\n    __notes__ = property(lambda self: 1 / 0)\ndef main(args):\n    raise Bad()',
    );
    assert.equal(await driver.runText('{}'), '"application_error","value":{"error":"Bad"}');
    assert.equal(await driver.runText('{}'), '"application_error","value":{"error":"Bad"}');
  });
});

describe('values in Node.js', () => {
  it('are what JSON.parse and JSON.stringify make of them', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load('function main(args) { return args }');
    for (const [value, same] of [
      ['{"a":9007199254740991,"b":10.0,"c":0.1}', '{"a":9007199254740991,"b":10,"c":0.1}'],
      ['{"a":"é€😀","b":"\\ud800"}', '{"a":"é€😀","b":"\\ud800"}'],
      ['{"a":1,"a":2}', '{"a":2}'],
    ] as const) {
      assert.equal(await driver.runText(value), `"ok","value":${same}`);
    }
  });

  it('that are too deep are an error, and the driver lives', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'function main({ n, reject }) { let a = []; for (let i = 0; i < n; i++) a = [a]; return reject ? Promise.reject({ a }) : a }',
    );
    assert.equal(await driver.runText('{"n":500000}'), TOO_DEEP);
    assert.match(
      await driver.runText('{"n":500000,"reject":true}'),
      /^"application_error","value":\{"error":/,
    );
    assert.equal(await driver.runText('{"n":999}'), `"ok","value":${nested(1000)}`);
  });

  it('of thrown errors may be of any kind', async () => {
    await using driver = await Driver.boot(NODEJS);
    await driver.load(
      'function main({ late }) { const e = Object.create(null, { stack: { get() { throw 1 } } }); if (late) return Promise.reject(e); throw e }',
    );
    assert.match(
      await driver.runText('{}'),
      /^"developer_error","value":\{"error":"An error has occurred: a value without text"\}/,
    );
    assert.match(await driver.runText('{"late":true}'), /^"application_error"/);
  });
});

describe('an answer of a driver', () => {
  it('is taken whatever its depth, which the node judges', () => {
    const answer = parseAnswer(
      Buffer.from(`{"op":"result","id":1,"status":"ok","value":${nested(300_000)}}`),
    );
    assert.ok(answer?.op === 'result');
    assert.equal(answer.tooDeep, true);
  });
});
