import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { jsonOf } from '../../src/api/body.ts';
import { actionDocument } from '../../src/catalog/action-document.ts';
import type { ActionRecord } from '../../src/catalog/action-record.ts';
import { DEFAULT_LIMITS } from '../../src/contract/action.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import { activationRecord } from '../../src/history/activation-record.ts';
import { MemoryHistory } from '../../src/history/memory-history.ts';
import { AnsweredActivation } from '../../src/node/invoke/answered.ts';
import { runOutcome } from '../../src/node/invoke/outcome.ts';
import { LogCollector } from '../../src/uc/log-collector.ts';
import { replyOf } from '../support/replies.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryBytes(): number {
  // What buffers had is given back by the second one at the latest.
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that `keep` has added to what is in use, as long as what it returns is. */
function bytesOf(keep: () => unknown): number {
  const before = memoryBytes();
  const kept = keep();
  const bytes = memoryBytes() - before;
  assert.ok(kept !== undefined);
  return bytes;
}

const OF = { namespace: 'guest', name: 'f', version: '0.0.1', exec: {}, limits: {} } as ActionRecord;
const MB = 1024 * 1024;
const STORE_BYTES = 24 * MB;

/** Files what a driver has said, so many times. */
function filed(count: number, line: string, output = ''): MemoryHistory {
  const store = new MemoryHistory({ records: 1000, bytes: STORE_BYTES });
  for (let i = 0; i < count; i++) {
    const logs = new LogCollector(DEFAULT_LIMITS.logBytes);
    for (let at = 0; at < output.length; at += 60_000) {
      logs.write('stdout', Buffer.from(output.slice(at, at + 60_000)));
    }
    const outcome = runOutcome(replyOf(line), 7, false, DEFAULT_LIMITS, logs);
    assert.ok(!(outcome instanceof PlatformError));
    const timings = { waitMs: 0, runMs: 0, totalMs: 0 };
    const answered = new AnsweredActivation(outcome, 'hot', timings, logs.finish(), 0);
    store.add(activationRecord(String(i), 'guest', OF, answered));
  }
  return store;
}

const result = (value: string, more = ''): string =>
  `{"op":"result","id":7,"status":"ok","value":${value}${more}}`;

it('results that are kept take what their text takes', () => {
  const value = `[${'{},'.repeat(260_000)}{}]`;
  const bytes = bytesOf(() => filed(20, result(value)));
  assert.ok(bytes < 20 * value.length * 1.2, `${bytes / MB} MB`);
});

it('all that is kept of activations stays within the bound', () => {
  for (const [line, output] of [
    [result('{"a":"a short text"}'), '\n'.repeat(200_000)],
    [result('{"a":"a short text"}', `,"junk":"${'x'.repeat(900_000)}"`), ''],
    [result(`{"a":"${'€'.repeat(300_000)}"}`), ''],
    [result(`{"a":"${'\\u0001'.repeat(150_000)}"}`), 'x\n'.repeat(50_000)],
  ] as const) {
    const bytes = bytesOf(() => filed(60, line, output));
    assert.ok(bytes < STORE_BYTES + 4 * MB, `${line.slice(0, 80)}: ${bytes / MB} MB`);
  }
});

it('a small part of a long document keeps no more alive than itself', () => {
  const junk = 'x'.repeat(900_000);
  const bytes = bytesOf(() =>
    Array.from({ length: 40 }, (_, n) => {
      const text = `{"junk":"${junk}","parameters":[{"key":"k","value":"a value of some length ${n}"}]}`;
      const { parameters } = actionDocument(jsonOf(text) ?? assert.fail()) as { parameters: unknown };
      return parameters;
    }),
  );
  assert.ok(bytes < 10 * MB, `${bytes / MB} MB`);
});
