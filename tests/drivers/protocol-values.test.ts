/** Arguments and results, to the digit, in every driver. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAnswer } from '../../src/uc/driver-messages.ts';
import { bootDriver, type InEach, itInEach, itLoaded, text } from './languages.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const TOO_DEEP =
  '"application_error","value":' +
  '{"error":"The action produced a response that is nested more than 1000 levels deep."}';

const SAME = {
  nodejs: 'function main(args) { return args }',
  python: 'def main(args): return args',
};

/** Each: what is sent, and what comes back. */
const DIGITS: InEach<readonly (readonly [string, string])[]> = {
  nodejs: [
    ['{"a":9007199254740991,"b":10.0,"c":0.1}', '{"a":9007199254740991,"b":10,"c":0.1}'],
    ['{"a":"é€😀","b":"\\ud800"}', '{"a":"é€😀","b":"\\ud800"}'],
    ['{"a":1,"a":2}', '{"a":2}'],
  ],
  python: ['{"a":10.0,"b":-0.0,"c":0,"d":0.1}', '{"a":"é€😀","b":"\\ud800"}', '{"a":1e+16,"b":1.5e-07}']
    .map((value) => [value, value] as const)
    .concat([['{"a":1,"a":2}', '{"a":2}']]),
};

/** Functions that answer with so many arrays in each other. */
const DEEP = {
  nodejs: text(
    'function main({ n, reject }) {',
    '  let a = [];',
    '  for (let i = 0; i < n; i++) a = [a];',
    '  return reject ? Promise.reject({ a }) : a;',
    '}',
  ),
  python: text(
    'import sys',
    'sys.setrecursionlimit(1_000_000)',
    'def main(args):',
    '    a = []',
    '    for _ in range(args["n"]): a = [a]',
    '    return a',
  ),
};

describe('values in a driver', () => {
  itInEach("are what the language's JSON makes of them", DIGITS, async (language, values) => {
    await using driver = await bootDriver(language);
    await driver.load(SAME[language.name]);
    for (const [value, same] of values) assert.equal(await driver.runText(value), `"ok","value":${same}`);
  });

  itLoaded('are as deep as the node lets them be', SAME, async (driver) => {
    const value = `{"a":${nested(999)}}`;
    assert.equal(await driver.runText(value), `"ok","value":${value}`);
  });

  itLoaded('that are too deep are an error, and the driver lives', DEEP, async (driver) => {
    assert.equal(await driver.runText('{"n":500000}'), TOO_DEEP);
    assert.equal(await driver.runText('{"n":999}'), `"ok","value":${nested(1000)}`);
    const deeper = await driver.runText('{"n":2000}');
    assert.ok(deeper === TOO_DEEP || deeper === `"ok","value":${nested(2001)}`);
  });

  const rejected = {
    nodejs: DEEP.nodejs,
    python: { skip: 'an exception of Python is answered by its text alone' },
  };
  itLoaded('that are too deep are an error as reasons, too', rejected, async (driver) => {
    const answer = await driver.runText('{"n":500000,"reject":true}');
    assert.match(answer, /^"application_error","value":\{"error":/);
    assert.match(await driver.runText('{"n":10}'), /^"ok"/);
  });

  const bad: InEach<readonly [string, RegExp]> = {
    nodejs: [
      text(
        'const fail = { get() { throw 1 } };',
        'function main({ late }) {',
        '  const error = Object.create(null, { stack: fail });',
        '  if (late) return Promise.reject(error);',
        '  throw error;',
        '}',
      ),
      /^"developer_error","value":\{"error":"An error has occurred: a value without text"\}/,
    ],
    python: [
      text(
        'class Bad(Exception):',
        '    def __str__(self): raise ValueError("no")',
        '    __notes__ = property(lambda self: 1 / 0)',
        'def main(args):',
        '    raise Bad()',
      ),
      /^"application_error","value":\{"error":"Bad"\}$/,
    ],
  };
  itInEach('that are thrown may be of any kind', bad, async (language, [source, expected]) => {
    await using driver = await bootDriver(language);
    await driver.load(source);
    for (const _ of [1, 2]) assert.match(await driver.runText('{}'), expected);
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
