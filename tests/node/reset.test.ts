import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import type { Activation, StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonObject } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, PYTHON, sourceAction } from '../support/actions.ts';

/** What a hostile run leaves behind, and how the next one starts: in the same process, or in another. */
const ACTS: readonly (readonly [act: string, next: StartPath | 'either', what: string])[] = [
  ['far', 'hot', 'memory mapped elsewhere'],
  ['heap', 'hot', 'writing in the memory of the library OS'],
  ['unmap', 'hot', 'memory that is unmapped'],
  ['protect', 'hot', 'memory that is written and protected'],
  ['move', 'hot', 'memory that is moved'],
  ['image', 'hot', 'an image in the place of memory'],
  ['close', 'hot', 'closed images'],
  ['timer', 'hot', 'an armed timer'],
  ['ringing', 'either', 'a timer that rings'],
  ['segment', 'hot', 'a segment register'],
  ['flag', 'hot', 'a processor flag'],
  ['half_a_line', 'hot', 'half a line of output'],
  ['exit_note', 'hot', 'the note of an exit that did not happen'],
  ['flood', 'either', 'a flood of messages'],
  ['text', 'warm', 'a change of the code that carries out the reset'],
  ['text_replaced', 'warm', 'that code in other memory'],
  ['vdso', 'warm', 'a change of the code of the vDSO'],
  ['altstack', 'warm', 'another signal stack'],
  ['altstack_everywhere', 'warm', 'a signal stack that is everywhere'],
  ['pending', 'warm', 'a signal on its way'],
  ['spin', 'warm', 'a loop after the answer'],
  ['doze', 'warm', 'a sleep after the answer'],
];

let node: ComputeNode;
let source: string;
before(async () => {
  source = await readFile(new URL('../hostile/reset.py', import.meta.url), 'utf8');
  node = await startComputeNode({ cores: 1, preboot: [PYTHON] });
});
after(() => node?.close());

function hostile(atImport = ''): Action {
  return sourceAction(PYTHON, `${source}\n${atImport}`, {
    policy: { startsFrom: 'reset', specialize: [] },
    limits: limits({ timeoutMs: 10_000 }),
  });
}

function found({ status, result }: Activation): unknown {
  assert.equal(status, 'success', JSON.stringify(result));
  return (result as JsonObject).found;
}

/** Its context is idle again, or gone. */
async function settled(action: Action): Promise<void> {
  await node.idleMemory(action).catch(() => undefined);
}

describe('a function that would leave something behind', () => {
  for (const [act, next, what] of ACTS) {
    it(`does not leave ${what}`, async () => {
      const action = hostile();
      await node.invoke(action, {});
      const pristine = found(await node.invoke(action, {}));
      await settled(action);
      const before = await node.invoke(action, { act });
      assert.equal(before.path, 'hot');
      assert.deepEqual(found(before), pristine);
      await settled(action);
      const later = await node.invoke(action, {});
      assert.deepEqual(found(later), pristine);
      if (next !== 'either') {
        assert.equal(later.path, next);
      }
      assert.deepEqual(later.logs, []);
      await node.forget(action);
    });
  }

  it('gets a new process each time when its snapshot holds other code of the library OS', async () => {
    const action = hostile('text()');
    const first = found(await node.invoke(action, {}));
    for (let run = 0; run < 3; run++) {
      const activation = await node.invoke(action, {});
      assert.deepEqual(found(activation), first);
      assert.equal(activation.path, 'warm');
      await settled(action);
    }
    await node.forget(action);
  });

  it('does not learn how long its process has run', async () => {
    const action = hostile();
    await node.invoke(action, {});
    const { status } = await node.invoke(action, { act: 'processor_time' });
    assert.equal(status, 'action developer error');
    await node.forget(action);
  });
});
