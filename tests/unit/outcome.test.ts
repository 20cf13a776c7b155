import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/contract/action.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import { JsonText } from '../../src/json/json-text.ts';
import { initOutcome, type Outcome, runOutcome } from '../../src/node/invoke/outcome.ts';
import type { Reply } from '../../src/uc/exchange.ts';
import { LogCollector } from '../../src/uc/log-collector.ts';
import { replyOf } from '../support/replies.ts';

const limits = { ...DEFAULT_LIMITS, timeoutMs: 1500, resultBytes: 100 };
const ended = (end: Extract<Reply, { type: 'ended' }>['end']): Reply => ({ type: 'ended', end });
const line = (value: unknown): Reply => replyOf(JSON.stringify(value));

function run(reply: Reply, seedSent = false, stderr = ''): Outcome {
  const logs = new LogCollector(1000);
  logs.write('stderr', Buffer.from(stderr));
  logs.finish();
  const outcome = runOutcome(reply, 7, seedSent, limits, logs);
  assert.ok(!(outcome instanceof PlatformError), String(outcome));
  return outcome;
}

const error = (outcome: Outcome): unknown => (outcome.result.value() as { error?: unknown }).error;
const result = (fields: object): Reply =>
  line({ op: 'result', id: 7, status: 'ok', value: { a: 1 }, ...fields });

describe('outcome of a run', () => {
  it('keeps the UC after success and after an application error, not after a developer error', () => {
    assert.deepEqual(run(result({})), {
      status: 'success',
      result: JsonText.parse('{"a":1}'),
      timedOut: false,
      checkpoint: false,
      reusable: true,
    });
    const rejected = run(result({ status: 'application_error', value: { error: 'e' } }));
    assert.deepEqual([rejected.status, rejected.reusable], ['application error', true]);
    const thrown = run(result({ status: 'developer_error', value: { error: 'e' } }));
    assert.deepEqual([thrown.status, thrown.reusable], ['action developer error', false]);
  });

  it('names a time limit', () => {
    const outcome = run({ type: 'timeout' });
    assert.equal(error(outcome), 'The action exceeded its time limits of 1500 milliseconds.');
    assert.equal(outcome.timedOut, true);
    assert.equal(outcome.status, 'action developer error');
  });

  it('tells an exit from exhausted memory', () => {
    const exited = 'The action did not produce a valid response and exited unexpectedly.';
    const memory = 'The action exhausted its memory and was aborted.';
    assert.equal(error(run(ended({ type: 'exited', status: 0 }))), exited);
    assert.equal(error(run(ended({ type: 'signalled', signal: 6 }))), exited);
    assert.equal(error(run(ended({ type: 'out-of-memory' }))), memory);
    assert.equal(
      error(run(ended({ type: 'signalled', signal: 6 }), false, 'JavaScript heap out of memory')),
      memory,
    );
  });

  it('calls an application error what is longer than allowed', () => {
    const text = (bytes: number): string =>
      `The action produced a response that exceeded the allowed length: ${bytes} > 100 bytes.`;
    const outcome = run(result({ value: { a: 'x'.repeat(200) } }));
    assert.equal(error(outcome), text(208));
    assert.equal(outcome.status, 'application error');
    assert.equal(outcome.reusable, true);
    assert.equal(error(run({ type: 'too-long', bytes: 5000 })), text(5000));
    assert.equal(run(result({ value: { a: 'x'.repeat(92) } })).status, 'success');
  });

  it('counts bytes of UTF-8, escaped or not', () => {
    const answer = (value: string): Reply =>
      replyOf(`{"op":"result","id":7,"status":"ok","value":{"a":"${value}"}}`);
    for (const [value, bytes] of [
      ['é'.repeat(46), 100],
      ['\\u00e9'.repeat(46), 100],
      ['\\u20ac'.repeat(30), 98],
      ['\\ud83d\\ude00'.repeat(23), 100],
      ['\\u0041\\\\u00e9'.repeat(11), 96],
      ['\\u0001'.repeat(15), 98],
    ] as const) {
      assert.equal(run(answer(value)).status, 'success', value);
      assert.match(
        String(error(run(answer(`${value}${'x'.repeat(101 - bytes)}`)))),
        /length: 101 > 100 bytes/,
      );
    }
  });

  it('keeps each digit', () => {
    const value = '{"a":[9007199254740993,10.0,-0,1e400]}';
    const line = `{"op":"result","id":7,"status":"ok","value":${value},"seeded":true}`;
    assert.equal(run(replyOf(line)).result.text, value);
  });

  it('refuses what is too deep, and keeps the UC', () => {
    const deep = (depth: number): Reply =>
      replyOf(
        `{"op":"result","value":${'['.repeat(depth)}${']'.repeat(depth)},"id":7,"status":"ok","seeded":true}`,
      );
    const wide = { ...limits, resultBytes: 1e7 };
    for (const [depth, status] of [
      [1000, 'success'],
      [1001, 'application error'],
      [1_000_000, 'application error'],
    ] as const) {
      const outcome = runOutcome(deep(depth), 7, true, wide, new LogCollector(0));
      assert.ok(!(outcome instanceof PlatformError));
      assert.deepEqual([outcome.status, outcome.reusable], [status, true]);
    }
    const forged = line({ op: 'result', id: 8, status: 'ok', value: [] });
    assert.equal(run(forged).reusable, false);
  });

  it('does not take for a result what no driver says', () => {
    for (const value of ['null', '7', '"text"', 'true']) {
      const outcome = run(replyOf(`{"op":"result","id":7,"status":"ok","value":${value}}`));
      assert.deepEqual([outcome.status, outcome.reusable], ['action developer error', false]);
    }
  });

  it('fails closed when a seed was not confirmed', () => {
    assert.equal(run(result({}), true).status, 'whisk internal error');
    assert.equal(run(result({}), true).reusable, false);
    assert.equal(run(result({ seeded: true }), true).status, 'success');
    assert.equal(run({ type: 'too-long', bytes: 5000 }, true).reusable, false);
  });

  it('does not believe an answer to another run, or none at all', () => {
    for (const reply of [result({ id: 8 }), line({ op: 'ready' }), line('nonsense')]) {
      const outcome = run(reply);
      assert.deepEqual([outcome.status, outcome.reusable], ['action developer error', false]);
    }
  });

  it('tells errors of the platform from those of the function', () => {
    const logs = new LogCollector(0);
    const closed = new PlatformError('closed', 'gone');
    assert.equal(runOutcome(ended({ type: 'lost', error: closed }), 7, false, limits, logs), closed);
    const lost = run(ended({ type: 'lost', error: new PlatformError('tender_died', 'gone') }));
    assert.equal(lost.status, 'whisk internal error');
    assert.match(JSON.stringify(lost.result), /the context's host process ended \(gone\)/);
    assert.equal(run(ended({ type: 'broken', text: 'panic' })).status, 'whisk internal error');
    assert.ok(runOutcome({ type: 'aborted' }, 7, false, limits, logs) instanceof PlatformError);
  });
});

describe('outcome of an init', () => {
  const init = (reply: Reply) => initOutcome(reply, limits, new LogCollector(0));

  it('is nothing when the code is loaded', () => {
    assert.equal(init(line({ op: 'ready', seeded: true })), undefined);
  });

  it('uses the words for initialisation', () => {
    const texts = [
      init(line({ op: 'failed', error: 'bad code', seeded: true })),
      init(ended({ type: 'exited', status: 1 })),
      init({ type: 'timeout' }),
    ].map((outcome) => error(outcome as Outcome));
    assert.deepEqual(texts, [
      'bad code',
      'The action did not initialize and exited unexpectedly.',
      'The action exceeded its time limits of 1500 milliseconds during initialization.',
    ]);
  });
});
