/** A node with many functions that is started again. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import { NODEJS, numberedAction, PYTHON, sourceAction } from '../support/actions.ts';
import { allStored, storeFolder, storeOf, strayFiles, withStore } from '../support/stores.ts';

const COUNT = process.env.SEUSS_STRESS === '1' ? 500 : 40;

/** Half of them in each language. */
function action(n: number): Action {
  const name = `guest/restarted-${n}`;
  const digest = createHash('sha256').update(name).digest('hex');
  return n % 2 === 0
    ? numberedAction(n)
    : sourceAction(NODEJS, `const n = ${n}; exports.main = () => ({ n })`, { name, digest });
}

it(`${COUNT} functions are all warm again, and no interpreter is booted`, { timeout: 900_000 }, async (t) => {
  const dir = storeFolder(t, tmpdir());
  await withStore(dir, async (node) => {
    for (let n = 0; n < COUNT; n++) {
      assert.deepEqual((await node.invoke(action(n), {})).result, { n });
    }
    await allStored(node);
    assert.equal(storeOf(node.stats()).snapshots, COUNT + 2);
  });
  assert.deepEqual(strayFiles(dir), []);
  const begun = performance.now();
  await withStore(
    dir,
    async (node) => {
      const ready = performance.now() - begun;
      const times: number[] = [];
      for (let n = 0; n < COUNT; n++) {
        const { path, result, timings } = await node.invoke(action(n), {});
        assert.deepEqual([path, result], ['warm', { n }]);
        times.push(timings.totalMs);
      }
      times.sort((a, b) => a - b);
      const [median, last] = [times[COUNT >> 1], times.at(-1)] as [number, number];
      const { bytes } = storeOf(node.stats());
      t.diagnostic(
        `ready in ${ready.toFixed(0)} ms; first answers: median ${median.toFixed(2)} ms, slowest ` +
          `${last.toFixed(2)} ms; ${(bytes / 2 ** 20).toFixed(1)} MiB stored`,
      );
      assert.deepEqual(node.reports.warnings, []);
      assert.deepEqual(node.reports.steps.toSorted(), [`Restored ${NODEJS}`, `Restored ${PYTHON}`]);
    },
    { preboot: [NODEJS, PYTHON] },
  );
});
