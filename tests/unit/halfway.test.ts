import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonObject, JsonText, type JsonValue } from '../../src/json/json-text.ts';
import {
  addCheckpoint,
  declaredHalfwayPoints,
  findHalfwayPoint,
  halfwayPointInfo,
  leadEnded,
} from '../../src/node/function/halfway.ts';

function fixedFor(declared: readonly JsonObject[], params: JsonValue): JsonObject | undefined {
  return findHalfwayPoint(declaredHalfwayPoints(declared), JsonText.of(params))?.fixed.value() as JsonObject;
}

describe('which half-way point an invocation matches', () => {
  const cases: [string, JsonObject, JsonValue, boolean][] = [
    ['equal values', { a: 1 }, { b: 2, a: 1 }, true],
    ['another value', { a: 1 }, { a: 2 }, false],
    ['another type', { a: 1 }, { a: '1' }, false],
    ['no value', { a: null }, {}, false],
    ['null', { a: null }, { a: null }, true],
    ['null and an object', { a: null }, { a: {} }, false],
    ['an object and null', { a: {} }, { a: null }, false],
    ['keys in another order', { a: { x: 1, y: [2] } }, { a: { y: [2], x: 1 } }, true],
    ['a key more inside', { a: { x: 1 } }, { a: { x: 1, y: 2 } }, false],
    ['a key less inside', { a: { x: 1, y: 2 } }, { a: { x: 1 } }, false],
    ['lists', { a: [1, [2]] }, { a: [1, [2]] }, true],
    ['lists in another order', { a: [1, 2] }, { a: [2, 1] }, false],
    ['a longer list', { a: [1] }, { a: [1, 2] }, false],
    ['a list and an object', { a: [1] }, { a: { 0: 1 } }, false],
    ['a name of the prototype', { toString: 1 }, {}, false],
    ['an own __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}'), true],
    ['no own __proto__', JSON.parse('{"a":{"__proto__":{}}}'), { a: { b: 1 } }, false],
    ['zeros', { a: 0 }, { a: -0 }, true],
    ['an array', { 0: 1 }, [1], false],
    ['a text', { length: 1 }, 'x', false],
  ];
  for (const [title, fixed, params, matches] of cases) {
    it(`${title}: ${matches ? 'yes' : 'no'}`, () =>
      assert.equal(fixedFor([fixed], params) !== undefined, matches));
  }

  it('is for numbers that are written alike', () => {
    const texts = ['9007199254740992', '9007199254740993', '1', '1.0', '1e400'];
    const fixed = texts.map((text) => JsonText.parse(`{"n":${text}}`));
    const all = declaredHalfwayPoints(fixed);
    for (const [index, text] of texts.entries()) {
      const found = findHalfwayPoint(all, JsonText.parse(`{ "m":[], "n": ${text} }`));
      assert.equal(found?.fixed, fixed[index]);
    }
    assert.equal(findHalfwayPoint(all, JsonText.parse('{"n":9007199254740994}')), undefined);
  });

  it('is the one with the most arguments, then the first', () => {
    const declared = [{ a: 1 }, { b: 1 }, { a: 1, c: 1 }];
    assert.deepEqual(fixedFor(declared, { a: 1, b: 1, c: 1 }), { a: 1, c: 1 });
    assert.deepEqual(fixedFor(declared, { a: 1, b: 1 }), { a: 1 });
    assert.deepEqual(fixedFor(declared, { b: 1, c: 1 }), { b: 1 });
    assert.equal(fixedFor(declared, { c: 1 }), undefined);
  });

  it('is that of checkpoint() when no other one is', () => {
    const all = declaredHalfwayPoints([{ a: 1 }]);
    addCheckpoint(all);
    addCheckpoint(all);
    assert.equal(all.length, 2);
    assert.equal(findHalfwayPoint(all, JsonText.of({ a: 1 }))?.origin, 'declared');
    assert.equal(findHalfwayPoint(all, JsonText.of({}))?.origin, 'checkpoint');
    assert.equal(findHalfwayPoint(all, JsonText.of([])), undefined);
  });
});

describe('runs that bring no snapshot', () => {
  it('are tried three times', () => {
    const [halfway] = declaredHalfwayPoints([{ a: 1 }]);
    assert.ok(halfway !== undefined);
    const states = [1, 2, 3].map(() => {
      leadEnded(halfway, { failure: 'it ended' });
      return halfway.lead;
    });
    assert.deepEqual(states, ['none', 'none', 'failed']);
    const { state, reason } = halfwayPointInfo(halfway);
    assert.deepEqual([state, reason], ['failed', 'it ended']);
  });
});
