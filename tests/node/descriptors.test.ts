import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, sourceAction } from '../support/actions.ts';
import { tenderProcesses } from '../support/tenders.ts';

/** More than the limit leaves room for. */
const FUNCTIONS = 150;
/** Descriptors that each tender may open from then on; the last 64 of them it keeps for itself. */
const LEFT = 64 + 60;

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

describe('a node whose tenders run out of descriptors', () => {
  it('gives up idle contexts and snapshots, and fails no invocation', { timeout: 120_000 }, async () => {
    const node = await startComputeNode({ preboot: [NODEJS], cores: 2 });
    try {
      for (const pid of tenderProcesses().tenders) {
        const limit = descriptorsOf(pid) + LEFT;
        execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:${limit}`]);
      }
      const actions = Array.from({ length: FUNCTIONS }, (_, n) =>
        sourceAction(NODEJS, `exports.main = () => ({ n: ${n} });`),
      );
      for (const [n, action] of actions.entries()) {
        assert.deepEqual((await node.invoke(action, {})).result, { n });
      }
      const { idleUcs, demotedUcs } = node.stats();
      assert.ok(idleUcs - demotedUcs <= 2 * LEFT, `${idleUcs} idle, ${demotedUcs} of them demoted`);
      const answers = await Promise.all(actions.slice(0, 40).map((action) => node.invoke(action, {})));
      for (const [n, answer] of answers.entries()) {
        assert.deepEqual(answer.result, { n });
      }
    } finally {
      await node.close();
    }
  });
});
