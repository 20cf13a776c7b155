import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

describe('the clocks of a context that boots an interpreter', () => {
  let node: ComputeNode;
  const run = async (kind: string, source: string): Promise<JsonObject> => {
    const { status, result } = await node.invoke(sourceAction(kind, source), {});
    assert.equal(status, 'success', JSON.stringify(result));
    return result as JsonObject;
  };

  before(async () => {
    node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
  });
  after(() => node.close());

  it('leave no timer of the interpreter set, which would ring in each clone', async () => {
    // V8 sets one for eight seconds when a worker thread ends.
    const other = await startComputeNode({ preboot: [NODEJS], anticipate: { except: ['worker'] } });
    try {
      const source = `exports.main = () => ({
        timers: process.report.getReport().libuv
          .filter(({ type, is_active }) => type === 'timer' && is_active) });`;
      assert.deepEqual((await other.invoke(sourceAction(NODEJS, source), {})).result, { timers: [] });
    } finally {
      await other.close();
    }
  });

  it('agree with each other and with the host (nodejs)', async () => {
    const result = await run(
      NODEJS,
      `exports.main = () => ({
         now: Date.now(), high: performance.timeOrigin + performance.now(), up: process.uptime() });`,
    );
    const { now, high, up } = result as Record<string, number>;
    assert.ok(Math.abs(Date.now() - (now ?? 0)) < 5000, `now ${now}`);
    assert.ok(Math.abs((high ?? 0) - (now ?? 0)) < 100, `${high} against ${now}`);
    // As if the machine had been suspended while it booted.
    assert.ok((up ?? 0) > 1, `up ${up}`);
  });

  it('agree with each other and with the host (python)', async () => {
    const result = await run(
      PYTHON,
      `import time
def main(args):
    return {"now": time.time(), "system": time.clock_gettime(time.CLOCK_REALTIME),
            "ticks": time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)}`,
    );
    const { now, system, ticks } = result as Record<string, number>;
    assert.ok(Math.abs(Date.now() / 1000 - (now ?? 0)) < 5, `now ${now}`);
    assert.ok(Math.abs((system ?? 0) - (now ?? 0)) < 0.1, `${system} against ${now}`);
    assert.ok(Math.abs(ticks ?? 1) < 0.1, `${ticks}`);
  });
});
