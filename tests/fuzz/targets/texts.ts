/**
 * JSON of anybody: a text is taken when JSON.parse takes it, and means the same however it is taken
 * apart and set.
 */
import assert from 'node:assert/strict';
import { canonicalJson } from '../../../src/json/canonical.ts';
import { itemsOf, JsonText, membersOf, objectOf, utf8Bytes } from '../../../src/json/json-text.ts';
import { compactJson, prettyJson, printJson } from '../../../src/json/print.ts';
import { JsonError } from '../../../src/json/scanner.ts';
import { allowing, type Target } from '../target.ts';

const SEEDS = [
  '{"a":[1,2.5,-0,1e400,10.0,9007199254740993,"\\u00e9\\ud83d\\ude00",null,true,false],"b":{"a":{},"c":[]}}',
  '[ {"a" : 1 , "\\u0061":2} ,\r\n\t"é€😀\\"\\\\\\/\\b\\f\\n\\r\\t" ]',
  '{"__proto__":{"toString":1},"":"","0":-1E-7}',
  `${'['.repeat(900)}1${']'.repeat(900)}`,
];

function check(json: JsonText, value: unknown): void {
  assert.deepEqual(json.value(), value);
  assert.ok(!json.text.includes('\n'));
  assert.deepEqual(compactJson(json).value(), value);
  assert.deepEqual(JSON.parse(prettyJson(json)), value);
  assert.deepEqual(JSON.parse(printJson({ json })).json, value);
  assert.deepEqual(JSON.parse(canonicalJson(json)), value);
  assert.ok(utf8Bytes(json) <= Buffer.byteLength(json.text));
  if (json.isObject) assert.deepEqual(objectOf(membersOf(json)).value(), value);
  if (json.isArray)
    assert.deepEqual(
      itemsOf(json).map((item) => item.value()),
      value,
    );
}

export const texts: Target = {
  name: 'texts',
  seeds: () => SEEDS.map((text) => Buffer.from(text)),
  one: (input) => {
    const text = input.toString('utf8');
    const json = allowing(
      (error) => error instanceof JsonError,
      () => JsonText.parse(text, Number.POSITIVE_INFINITY),
    );
    const value = allowing(
      (error) => error instanceof SyntaxError,
      () => JSON.parse(text) as unknown,
    );
    assert.equal(json === undefined, value === undefined);
    if (json !== undefined) check(json, value);
  },
};
