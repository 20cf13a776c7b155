import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalJson } from '../../src/json/canonical.ts';
import { DEPTH_MAX, itemsOf, JsonText, type JsonValue, membersOf } from '../../src/json/json-text.ts';
import { compactJson, prettyJson, printJson } from '../../src/json/print.ts';
import { JsonError, Scanner } from '../../src/json/scanner.ts';

const NUMBERS = ['0', '-0', '10.0', '1e400', '-1E-7', '9007199254740993', `1${'0'.repeat(400)}`, '0.1e+3'];
const OTHERS = [
  'null',
  'true',
  'false',
  '""',
  '"é€😀"',
  '"\\ud800"',
  '"\\u00e9\\n\\\\\\""',
  '"a/\\/"',
  '{}',
  '[]',
];
const BAD = [
  '',
  ' ',
  '01',
  '-',
  '1.',
  '.5',
  '1e',
  '+1',
  'NaN',
  'Infinity',
  'nul',
  'True',
  "'a'",
  '"a',
  '"\n"',
];
const WORSE = [
  '"\\x41"',
  '"\\u12g4"',
  '"\\',
  '[1,]',
  '[,1]',
  '[1 2]',
  '{"a"}',
  '{"a":}',
  '{a:1}',
  '{"a":1,}',
];
const WORST = [
  '[',
  '{',
  ']',
  '}',
  '[}',
  '{"a":1]',
  '1 2',
  '{}{}',
  '\ufeff1',
  '"\u0001"',
  '/**/1',
  '{"a":1 "b":2}',
];

/** Deterministic, so that a failure comes again. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

function isValid(text: string): boolean {
  try {
    JsonText.parse(text);
    return true;
  } catch (error) {
    assert.ok(error instanceof JsonError, String(error));
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a JSON text', () => {
  it('is taken as it is, or refused, as every parser would', () => {
    for (const text of [...NUMBERS, ...OTHERS]) assert.equal(JsonText.parse(text).text, text);
    for (const text of [...BAD, ...WORSE, ...WORST]) assert.equal(isValid(text), false, JSON.stringify(text));
  });

  it('is judged as JSON.parse does, of ten thousand random ones', () => {
    const numbers = random(7);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(numbers.next().value * of.length)] as T;
    const whole = (depth: number): string => {
      const space = pick(['', '', ' ', '\n\t']);
      const kind = depth > 4 ? 2 : numbers.next().value * 4;
      const count = Math.floor(numbers.next().value * 4);
      if (kind < 1) return `[${Array.from({ length: count }, () => whole(depth + 1)).join(`${space},`)}]`;
      if (kind >= 2) return space + pick([...NUMBERS, ...OTHERS]) + space;
      const key = () => pick(['"a"', '"b"', '"\\u0061"', '"__proto__"', '""']);
      const members = Array.from({ length: count }, () => `${key()}${space}:${whole(depth + 1)}`);
      return `{${members.join(',')}${space}}`;
    };
    const marks = [...'{}[],:"\\ \n0-.eE+tfnu1a', '\u0000', 'é'];
    for (let i = 0; i < 10_000; i++) {
      const text = whole(0);
      const value = JsonText.parse(text).value();
      assert.deepEqual(value, JSON.parse(text));
      assert.deepEqual(compactJson(JsonText.parse(text)).value(), value);
      assert.deepEqual(JSON.parse(prettyJson(JsonText.parse(text))), value);
      const at = Math.floor(numbers.next().value * text.length);
      const broken = text.slice(0, at) + pick(marks) + text.slice(at + Number(i % 2));
      assert.equal(isValid(broken), isJson(broken), JSON.stringify(broken));
    }
  });

  it('has no newline', () => {
    assert.equal(JsonText.parse('\n{\r\n "a":\n"\\n"}\n').text, '{\r  "a": "\\n"}');
  });

  it('is nested so deep at most, whatever comes first', () => {
    const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2);
    assert.equal(JsonText.parse(nested(DEPTH_MAX)).text.length, nested(DEPTH_MAX).length);
    const tooDeep = /nested more than 1000 levels deep/;
    assert.throws(() => JsonText.parse(nested(DEPTH_MAX + 2)), tooDeep);
    assert.throws(() => JsonText.parse('['.repeat(1_000_000)), tooDeep);
    assert.deepEqual(new Scanner(nested(1_000_000)).value(0), { end: 4_000_001, depth: 1_000_000 });
    let value: JsonValue = [];
    for (let depth = 0; depth < 100_000; depth++) value = [value];
    assert.throws(() => JsonText.of(value), JsonError);
  });
});

describe('parts of a JSON text', () => {
  it('keep their digits; of a name that comes twice the last one counts', () => {
    const text = '{"n": 9007199254740993 ,"o":{"a":[1.0]}, "\\u006e":10.0,"__proto__":-0}';
    const members = [...membersOf(JsonText.parse(text))].map(([key, value]) => [key, value.text]);
    assert.deepEqual(members, [
      ['n', '10.0'],
      ['o', '{"a":[1.0]}'],
      ['__proto__', '-0'],
    ]);
    const items = itemsOf(JsonText.parse('[ 1.0 ,[2],"]" ]')).map((item) => item.text);
    assert.deepEqual(items, ['1.0', '[2]', '"]"']);
    assert.deepEqual(itemsOf(JsonText.parse('[ ]')), []);
    assert.equal(membersOf(JsonText.parse('{ }')).size, 0);
  });

  it('are printed as they are', () => {
    const part = JsonText.parse('{"n":1e400, "m":10.0}');
    assert.equal(
      printJson({ a: [part, null, 'é"'], b: undefined }),
      '{"a":[{"n":1e400, "m":10.0},null,"é\\""]}',
    );
    assert.equal(compactJson(part).text, '{"n":1e400,"m":10.0}');
    assert.equal(prettyJson(part), '{\n  "n": 1e400,\n  "m": 10.0\n}');
  });

  it('are set for people as JSON.stringify would', () => {
    const value = { a: [], b: {}, c: [1, [{ d: ' {[ ' }]], e: { f: null } };
    assert.equal(prettyJson(JsonText.of(value)), JSON.stringify(value, undefined, 2));
  });
});

describe('equal values', () => {
  const canonical = (text: string) => canonicalJson(JsonText.parse(text));

  it('have one canonical text', () => {
    assert.equal(
      canonical('{ "b":[1, {"d":2,"c":"\\u0061"}],"a":1}'),
      canonical('{"a":1,"b":[1,{"c":"a","d":2}]}'),
    );
    assert.equal(canonical('{"a":1,"a":2}'), canonical('{"a":2}'));
  });

  it('are the same number in Python, too', () => {
    const texts = ['9007199254740992', '9007199254740993', '1', '1.0', '1e0', '0', '-0', '"1"'];
    assert.equal(new Set(texts.map(canonical)).size, texts.length);
  });
});
