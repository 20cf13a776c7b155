import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Deadlines, type Waiting } from '../../src/uc/deadlines.ts';

let ended: string[] = [];

function waiting(name: string): Waiting {
  return { timedOut: () => ended.push(name) };
}

/** Of a clock that stands still but for this; the timers look at it. */
function passing(): { deadlines: Deadlines; pass(ms: number): void; timers(): number } {
  let now = 0;
  mock.method(performance, 'now', () => now);
  const set = mock.method(globalThis, 'setTimeout', globalThis.setTimeout);
  return {
    deadlines: new Deadlines(),
    pass(ms) {
      for (let step = 0; step < ms; step++) {
        now += 1;
        mock.timers.tick(1);
      }
    },
    timers: () => set.mock.callCount(),
  };
}

describe('waits with deadlines', () => {
  beforeEach(() => {
    ended = [];
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it('end in the order of their deadlines, each when it is due', () => {
    const { deadlines, pass } = passing();
    deadlines.add(waiting('long'), 100);
    deadlines.add(waiting('first'), 50);
    pass(20);
    deadlines.add(waiting('second'), 50);
    pass(29);
    assert.deepEqual(ended, []);
    pass(1);
    assert.deepEqual(ended, ['first']);
    pass(20);
    assert.deepEqual(ended, ['first', 'second']);
    pass(30);
    assert.deepEqual(ended, ['first', 'second', 'long']);
  });

  it('do not end once they are forgotten, whoever else waits', () => {
    const { deadlines, pass } = passing();
    const over = waiting('over');
    deadlines.add(over, 50);
    pass(10);
    deadlines.add(waiting('other'), 50);
    deadlines.forget(over, 50);
    deadlines.forget(over, 50);
    pass(49);
    assert.deepEqual(ended, []);
    pass(1);
    assert.deepEqual(ended, ['other']);
  });

  it('need one timer for many in a row', () => {
    const { deadlines, pass, timers } = passing();
    for (let i = 0; i < 40; i++) {
      const each = waiting('each');
      deadlines.add(each, 50);
      pass(1);
      deadlines.forget(each, 50);
    }
    assert.equal(timers(), 1);
    deadlines.add(waiting('last'), 50);
    pass(49);
    assert.deepEqual(ended, []);
    pass(1);
    assert.deepEqual(ended, ['last']);
  });

  it('leave no timer behind', () => {
    const { deadlines, pass, timers } = passing();
    deadlines.add(waiting('one'), 50);
    pass(50);
    deadlines.add(waiting('two'), 50);
    pass(200);
    assert.deepEqual(ended, ['one', 'two']);
    assert.equal(timers(), 2);
  });
});
