/** What a node prints of the system calls of traced actions, and that others have no part in it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Action, StartsFrom } from '../../src/contract/action.ts';
import type { StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { Tender } from '../../src/tender/tender.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { special } from '../support/halfway.ts';

/** Opens a file with a mode that no other invocation has, so that its call is known. */
const SOURCES: readonly (readonly [kind: string, source: string])[] = [
  [
    NODEJS,
    `const fs = require('node:fs');
     exports.main = ({ fixed, mode }) => {
       const fd = fs.openSync('/tmp/traced', fs.constants.O_CREAT | fs.constants.O_RDWR, mode);
       fs.closeSync(fd);
       return { fd };
     };`,
  ],
  [
    PYTHON,
    `import os
def main(args):
    args['fixed']
    fd = os.open('/tmp/traced', os.O_CREAT | os.O_RDWR, int(args['mode']))
    os.close(fd)
    return {'fd': fd}`,
  ],
];

const MAX_BYTES = 32 * 1024;
const HOSTILE = 'guest/hostile';
const traced = new Set([HOSTILE]);
let text = '';
let node: ComputeNode;
before(async () => {
  const actions = { includes: (name: string) => traced.has(name) } as unknown as readonly string[];
  const write = (lines: string) => {
    text += lines;
  };
  node = await startComputeNode({
    preboot: [NODEJS, PYTHON],
    trace: { actions, maxBytes: MAX_BYTES, write },
  });
});
after(() => node?.close());

let lastMode = 0o600;

const modeOf = (line: string): number | undefined => {
  const found = /^\S+ \[\d+\] openat\(0x\w+, 0x\w+, 0x\w+, (0x\w+), 0x?\w*, 0x?\w*\) = (\d+)$/.exec(line);
  return found === null || Number(found[1]) === 0 ? undefined : Number(found[1]);
};

const linesOf = (id: string): string[] => text.split('\n').filter((line) => line.startsWith(`${id} `));

/** The path of an invocation, of whose trace the call is a part that it made. */
async function openIn(action: Action): Promise<StartPath> {
  const mode = ++lastMode;
  const id = `mode-${mode}`;
  const { path, status, result } = await node.invoke(action, { fixed: 1, mode }, { id });
  assert.equal(status, 'success', JSON.stringify(result));
  const modes = linesOf(id).map(modeOf);
  assert.ok(modes.includes(mode), `${path}: ${linesOf(id).join('\n')}`);
  return path;
}

function tracedAction(kind: string, source: string, startsFrom: StartsFrom = 'reuse'): Action {
  const action = sourceAction(kind, source, { policy: { startsFrom, specialize: [] } });
  traced.add(action.name);
  return action;
}

/** Each call stands with the activation that made it, and with no other. */
function assertApart(): void {
  for (const line of text.split('\n')) {
    const mode = modeOf(line);
    assert.ok(mode === undefined || mode < 0o600 || line.startsWith(`mode-${mode} `), line);
  }
}

for (const [kind, source] of SOURCES) {
  describe(`the system calls of a traced action (${kind})`, () => {
    it('are told after a cold, a warm and a hot start', async () => {
      const action = tracedAction(kind, source);
      assert.equal(await openIn(action), 'cold');
      await node.dropIdle(action);
      assert.equal(await openIn(action), 'warm');
      for (let run = 0; run < 20; run++) assert.equal(await openIn(action), 'hot');
      assertApart();
    });

    it('are told by a context that has got its process back', async () => {
      const action = tracedAction(kind, source);
      await openIn(action);
      await node.dropIdle(action);
      await openIn(action);
      for (let run = 0; run < 2; run++) {
        assert.equal(await node.demoteIdle(action), 1);
        assert.equal(await openIn(action), 'hot');
        assert.equal(await openIn(action), 'hot');
      }
      assertApart();
    });

    it('are told by a context that was put back to its snapshot', async () => {
      const action = tracedAction(kind, source, 'reset');
      await openIn(action);
      await openIn(action);
      for (let run = 0; run < 3; run++) {
        await node.idleMemory(action).catch(() => undefined);
        assert.equal(await openIn(action), 'hot');
      }
      assertApart();
    });

    it('are told by new contexts each time', async () => {
      const action = tracedAction(kind, source, 'fresh');
      const paths = [await openIn(action), await openIn(action), await openIn(action)];
      assert.deepEqual(paths, ['cold', 'warm', 'warm']);
      assertApart();
    });

    it('are told from an argument snapshot on, and by the run that brings it', async () => {
      const action = special(kind, source, [{ fixed: 1 }]);
      traced.add(action.name);
      const paths = [await openIn(action), await openIn(action), await openIn(action)];
      assert.deepEqual(paths, ['cold', 'warm', 'argument']);
      assertApart();
    });

    it('are told after the function was captured again', async () => {
      const action = tracedAction(kind, source);
      await openIn(action);
      assert.equal(await node.recapture(action), true);
      await node.dropIdle(action);
      assert.equal(await openIn(action), 'warm');
      assertApart();
    });

    it('are neither asked for nor told of another action with the same code', async (t) => {
      const deploy = t.mock.method(Tender.prototype, 'deploy');
      const other = sourceAction(kind, source);
      for (const id of ['other-cold', 'other-hot', 'other-warm']) {
        const { status } = await node.invoke(other, { fixed: 1, mode: 0o600 }, { id });
        assert.equal(status, 'success');
        if (id === 'other-hot') await node.dropIdle(other);
      }
      assert.deepEqual(
        deploy.mock.calls.map(({ arguments: [, , , , trace] }) => trace),
        [false, false],
      );
      assert.doesNotMatch(text, /^other-/m);
    });
  });
}

describe('the system calls of a run that goes on from its capture', () => {
  const source = `import os, time
def main(args):
    time.sleep(args['seconds'])
    os.close(os.open('/tmp/traced', os.O_CREAT | os.O_RDWR, int(args['mode'])))
    return {}`;

  it('are told of the run and of the one that was captured, each with its own id', async () => {
    const action = tracedAction(PYTHON, source);
    const mode = ++lastMode;
    await node.invoke(action, { mode: 0o600, seconds: 0 });
    const run = node.invoke(action, { mode, seconds: 1.5 }, { id: 'captured' });
    while (node.running().every(({ phase }) => phase !== 'running')) await turn();
    const { id } = await node.capture('captured');
    await node.resume(id, { id: 'resumed' });
    await run;
    for (const id of ['captured', 'resumed']) {
      const modes = linesOf(id).map(modeOf);
      assert.deepEqual(modes.filter((each) => each === mode).length, 1, linesOf(id).join('\n'));
    }
    await node.dropSnapshot(id);
  });
});

describe('a hostile function that is traced', () => {
  it('has printed no more than the limit, in lines of printable characters', async () => {
    const source = await readFile(new URL('../hostile/reset.py', import.meta.url), 'utf8');
    const acts = `
TRACE = 36
def main(args):
    send(TRACE, b"\\x1b[31m\\r red\\n")
    send(TRACE, b"y" * 60000)
    send(TRACE, b"\\n" + b"z" * 600 + b"\\n")
    for i in range(200):
        send(TRACE, b"\\n" * 1000)
        send(TRACE, b"flood\\n" * 1000)
    return {}`;
    const action = sourceAction(PYTHON, source + acts, { name: HOSTILE });
    for (const id of ['hostile-1', 'hostile-2']) {
      const { status, result } = await node.invoke(action, {}, { id });
      assert.equal(status, 'success', JSON.stringify(result));
      const lines = linesOf(id);
      assert.ok(lines.includes(`${id} \\x1b[31m\\x0d red`), lines.slice(0, 20).join('\n'));
      assert.ok(lines.includes(`${id} a line of 60000 bytes is left out`));
      assert.ok(lines.includes(`${id} a line of 600 bytes is left out`));
      const notice = `${id} the trace ends here: ${MAX_BYTES} bytes are the limit of an activation`;
      assert.equal(lines.at(-1), notice);
      assert.ok(lines.join('\n').length <= MAX_BYTES + notice.length);
    }
    assert.doesNotMatch(text, /[^\n -~]/);
  });
});
