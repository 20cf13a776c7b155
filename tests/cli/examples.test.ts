import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runPlain } from '../../src/bench/plain-process.ts';
import { listExamples } from '../../src/cli/demo/examples.ts';
import { createPackager } from '../../src/cli/with-node.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';

/** Examples whose results are new in each run. */
const VARYING = new Set(['nodejs-token', 'python-token']);
/** Those that call checkpoint(). */
const STOPPING = new Set(['python-spelling']);

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: ['nodejs:24', 'python:3.11'] });
});
after(() => node?.close());

describe('examples in unikernel contexts', () => {
  const packager = createPackager();
  for (const { name, path, kind, interpreter } of listExamples().examples) {
    it(`${name} runs by all paths, and answers as in a plain process`, async () => {
      const action = await packager.fromPath(path, { kind, name: `guest/${name}` });
      const cold = await node.invoke(action, {});
      await node.dropIdle(action);
      const warm = await node.invoke(action, {});
      const hot = await node.invoke(action, {});
      assert.deepEqual(
        [cold.path, warm.path, hot.path],
        ['cold', 'warm', STOPPING.has(name) ? 'argument' : 'hot'],
      );
      const plain = await runPlain(interpreter, path);
      for (const { status, result } of [cold, warm, hot]) {
        assert.equal(status, 'success', JSON.stringify(result));
        if (!VARYING.has(name)) assert.deepEqual(result, plain.result);
      }
    });
  }

  it('that make keys make new ones in each context', async () => {
    for (const { name, path, kind } of listExamples().examples.filter((example) =>
      VARYING.has(example.name),
    )) {
      const action = await packager.fromPath(path, { kind, name: `guest/${name}-again` });
      const tokens = new Set<string>();
      for (let start = 0; start < 4; start++) {
        await node.dropIdle(action);
        tokens.add(JSON.stringify((await node.invoke(action, {})).result));
      }
      assert.equal(tokens.size, 4, name);
    }
  });
});
