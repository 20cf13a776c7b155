import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageDir } from '../../src/contract/paths.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { alive, descendants } from '../support/processes.ts';

const COUNT = 2000;

describe('idle unikernel contexts', () => {
  it(`of one function, ${COUNT} at once, all answer`, { timeout: 300_000 }, async () => {
    const node = await startComputeNode({ preboot: [NODEJS] });
    try {
      const action = sourceAction(
        NODEJS,
        `const id = require('node:crypto').randomUUID();
         let runs = 0;
         exports.main = ({ ms }) => new Promise((done) => setTimeout(done, ms, { id, runs: ++runs }));`,
      );
      const all = (ms: number) =>
        Promise.all(Array.from({ length: COUNT }, () => node.invoke(action, { ms })));
      await node.invoke(action, { ms: 0 });
      await all(20_000);
      assert.equal(node.stats().idleUcs, COUNT);
      const again = await all(2000);
      assert.deepEqual(
        again.filter(({ path }) => path !== 'hot'),
        [],
      );
      assert.equal(node.stats().idleUcs, COUNT);
    } finally {
      await node.close();
    }
  });
});

describe('a node that is killed', () => {
  it('leaves no process behind', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [join(packageDir, 'tests/support/busy-node.ts'), PYTHON], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const below = descendants(child.pid as number);
    assert.ok(below.length > 20);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const end = performance.now() + 5000;
    while (below.some(alive) && performance.now() < end) {
      await sleep(20);
    }
    assert.deepEqual(below.filter(alive), []);
  });
});
