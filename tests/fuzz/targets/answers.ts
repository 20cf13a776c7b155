/** What a driver says, and what becomes of it on the way to a client. */
import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../../src/contract/action.ts';
import { PlatformError } from '../../../src/contract/errors.ts';
import {
  initOutcome,
  maxLineBytes,
  type Outcome,
  type Parked,
  parkOutcome,
  runOutcome,
} from '../../../src/node/invoke/outcome.ts';
import type { Reply } from '../../../src/uc/exchange.ts';
import { LineBuffer } from '../../../src/uc/line-buffer.ts';
import { LogCollector } from '../../../src/uc/log-collector.ts';
import { replyOf } from '../../support/replies.ts';
import type { Target } from '../target.ts';

const LIMITS = { ...DEFAULT_LIMITS, resultBytes: 512 };
const SEEDS = [
  '{"op":"booted","version":"v24.21.0","protocol":1}\n',
  '{"op":"ready","seeded":true}\n',
  '{"op":"failed","error":"text","seeded":true}\n',
  '{"op":"parked","id":7,"observed":["time: Date.now"],"seeded":true}\n',
  '{"op":"result","id":7,"status":"ok","value":{"a":[1,2.5,-0,1e400,"\\u00e9\\ud83d\\ude00",null,true]},"seeded":true}\n',
  '{"op":"result","id":7,"status":"application_error","value":{"error":{"__proto__":1}},"seeded":true,"checkpoint":true}\n',
  `{"op":"result","id":7,"status":"ok","value":${'['.repeat(300)}${']'.repeat(300)},"seeded":true}\n`,
  `{"op":"result","id":7,"status":"developer_error","value":{"error":"${'x'.repeat(600)}"}}\n`,
];
const STATUSES = ['success', 'application error', 'action developer error', 'whisk internal error'];

/** Whatever was said, it comes to one of these, which can be told to a client. */
function check(outcome: Outcome | Parked | PlatformError | undefined): void {
  if (outcome === undefined || outcome instanceof PlatformError || 'observed' in outcome) return;
  assert.ok(STATUSES.includes(outcome.status));
  assert.equal(typeof JSON.parse(outcome.result.text), 'object');
}

function replies(input: Buffer): Reply[] {
  const found: Reply[] = [];
  const buffer = new LineBuffer();
  const target = {
    line: (line: Buffer) => void found.push(replyOf(line)),
    tooLong: (bytes: number) => void found.push({ type: 'too-long', bytes }),
  };
  buffer.push(input, maxLineBytes(LIMITS), target);
  buffer.flush(maxLineBytes(LIMITS), target);
  return found;
}

export const answers: Target = {
  name: 'answers',
  seeds: () => SEEDS.map((text) => Buffer.from(text)),
  one: (input) => {
    for (const reply of replies(input)) {
      const logs = new LogCollector(LIMITS.logBytes);
      check(initOutcome(reply, LIMITS, logs));
      check(runOutcome(reply, 7, false, LIMITS, logs));
      check(runOutcome(reply, 7, true, LIMITS, logs));
      check(parkOutcome(reply, 7, true, LIMITS, logs));
    }
  },
};
