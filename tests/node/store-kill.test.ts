/** Nodes that are killed while they write to their store. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageDir } from '../../src/contract/paths.ts';
import { numberedAction, PYTHON } from '../support/actions.ts';
import { storeFolder, storeOf, strayFiles, withStore } from '../support/stores.ts';

const KILLS = process.env.SEUSS_STRESS === '1' ? 200 : 8;
/** Functions that a node has answered when it is killed, at most, and how long afterwards. */
const ANSWERS = 30;
const LATER_MS = 50;

it(`a store survives ${KILLS} kills of its node at any instant`, { timeout: 1_200_000 }, async (t) => {
  const dir = storeFolder(t);
  await withStore(dir, (node) => node.invoke(numberedAction(0), {}));
  let next = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    next = await liveAndDie(t, dir, next);
  }
  assert.ok(next > KILLS, `${next} functions were stored`);
  await withStore(dir, async (node) => {
    assert.deepEqual(strayFiles(dir), []);
    assert.deepEqual(node.reports.warnings, []);
    const { snapshots } = storeOf(node.stats());
    t.diagnostic(`${next} functions, ${snapshots} snapshots stored`);
    assert.ok(snapshots > KILLS / 2);
    for (let n = 0; n < next; n++) {
      const { result, status } = await node.invoke(numberedAction(n), {});
      assert.equal(status, 'success');
      assert.deepEqual(result, { n });
    }
    assert.equal(storeOf(node.stats()).rejected, 0);
    assert.deepEqual(node.reports.steps, [`Restored ${PYTHON}`]);
  });
});

/** One life of a node that begins with function `first`; the function that the next life begins with. */
async function liveAndDie(t: TestContext, dir: string, first: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(packageDir, 'tests/support/storing-node.ts'), dir, String(first)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let errors = '';
  let last = first - 1;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const { promise: due, resolve } = Promise.withResolvers<void>();
  // The earliest die as soon as they have opened the store.
  const deadline = first + randomInt(ANSWERS);
  createInterface(child.stdout).on('line', (line) => {
    last = line === 'opened' ? last : Number(line);
    if (last >= deadline - 1) {
      resolve();
    }
  });
  await Promise.race([due, exited]);
  await sleep(randomInt(LATER_MS));
  assert.ok(child.exitCode === null, errors);
  child.kill('SIGKILL');
  await exited;
  // The last ones had no time to be stored.
  return Math.max(first, last - 3);
}
