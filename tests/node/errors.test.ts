import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Activation } from '../../src/contract/activation.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { JsonValue } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { LINE_BYTES } from '../../src/uc/log-collector.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const MB = 1024 * 1024;
const EXITED = 'The action did not produce a valid response and exited unexpectedly.';
const NOT_INITIALISED = 'The action did not initialize and exited unexpectedly.';
const MEMORY = 'The action exhausted its memory and was aborted.';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

function errorOf({ result }: Activation): JsonValue | undefined {
  return (result as { error?: JsonValue }).error;
}

/** Each: what the function does in Node.js and in Python, and the error that its caller sees. */
const FATAL: Readonly<
  Record<string, { nodejs: string; python: string; error: string | RegExp; timeoutMs?: number }>
> = {
  'ends its process while it loads': {
    nodejs: 'process.exit(0)',
    python: 'import os\nos._exit(0)',
    error: NOT_INITIALISED,
  },
  'ends its process while it runs': {
    nodejs: 'function main() { process.exit(3) }',
    python: 'import os\ndef main(args):\n    os._exit(3)',
    error: EXITED,
  },
  'kills itself': {
    nodejs: 'function main() { process.kill(process.pid, "SIGKILL") }',
    python: 'import os\ndef main(args):\n    os.kill(os.getpid(), 9)',
    error: EXITED,
  },
  'loops for ever while it loads': {
    nodejs: 'for (;;) {}',
    python: 'while True: pass',
    error: 'The action exceeded its time limits of 300 milliseconds during initialization.',
    timeoutMs: 300,
  },
  'loops for ever': {
    nodejs: 'function main() { for (;;) {} }',
    python: 'def main(args):\n    while True: pass',
    error: 'The action exceeded its time limits of 300 milliseconds.',
    timeoutMs: 300,
  },
  'waits for ever': {
    nodejs: 'function main() { return new Promise(() => setInterval(() => {}, 1000)) }',
    python: 'import time\ndef main(args):\n    time.sleep(1e6)',
    error: 'The action exceeded its time limits of 300 milliseconds.',
    timeoutMs: 300,
  },
  'exhausts its memory': {
    nodejs: 'function main() { const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1)) }',
    python:
      'def main(args):\n    a = []\n    try:\n        while True: a.append(b"x" * (1 << 20))\n' +
      '    except MemoryError:\n' +
      '        return {"error": "The action exhausted its memory and was aborted."}',
    error: /The action exhausted its memory and was aborted|Array buffer allocation failed/,
  },
};

describe('a function that', () => {
  for (const [what, { nodejs, python, error, timeoutMs }] of Object.entries(FATAL)) {
    for (const [kind, source] of [
      [NODEJS, nodejs],
      [PYTHON, python],
    ] as const) {
      it(`${what} (${kind}) is told so, and another one runs on`, async () => {
        const other = sourceAction(
          kind,
          kind === NODEJS ? 'function main(p) { return p }' : 'def main(p):\n    return p',
        );
        const action = sourceAction(kind, source, {
          limits: limits({ memoryBytes: 128 * MB, ...(timeoutMs !== undefined && { timeoutMs }) }),
        });
        const activation = await node.invoke(action, {});
        assert.match(String(errorOf(activation)), error instanceof RegExp ? error : new RegExp(`^${error}$`));
        assert.equal(activation.timedOut, timeoutMs !== undefined);
        assert.deepEqual((await node.invoke(other, { a: 1 })).result, { a: 1 });
        // What it did to its own unikernel context did not outlive it.
        assert.notEqual((await node.invoke(action, {})).path, 'hot');
      });
    }
  }

  it('fills the heap of V8 is told so', async () => {
    const action = sourceAction(
      NODEJS,
      'function main() { const a = []; for (;;) a.push({ a: [a.length] }) }',
      {
        limits: limits({ memoryBytes: 128 * MB }),
      },
    );
    assert.equal(errorOf(await node.invoke(action, {})), MEMORY);
  });

  for (const [kind, source] of [
    [NODEJS, 'function main({ bytes }) { return { text: "x".repeat(bytes) } }'],
    [PYTHON, 'def main(args):\n    return {"text": "x" * args["bytes"]}'],
  ] as const) {
    it(`returns too much (${kind}) gets an application error and is used again`, async () => {
      const action = sourceAction(kind, source);
      assert.equal((await node.invoke(action, { bytes: MB - 11 })).status, 'success');
      const large = await node.invoke(action, { bytes: 20 * MB });
      assert.equal(large.status, 'application error');
      assert.match(String(errorOf(large)), /exceeded the allowed length: \d+ > 1048576 bytes/);
      const again = await node.invoke(action, { bytes: 1 });
      assert.deepEqual([again.path, again.result], ['hot', { text: 'x' }]);
    });
  }

  for (const [kind, source] of [
    [NODEJS, 'function main() { for (let i = 0; i < 30000; i++) console.log("x".repeat(99)); return {} }'],
    [PYTHON, 'def main(args):\n    for i in range(30000): print("x" * 99)\n    return {}'],
  ] as const) {
    it(`floods its log (${kind}) loses what is over the limit, with a notice`, async () => {
      const action = sourceAction(kind, source, { limits: limits({ logBytes: 10_000 }) });
      const { status, logs } = await node.invoke(action, {});
      assert.equal(status, 'success');
      assert.equal(logs.length, Math.floor(10_000 / (99 + LINE_BYTES)) + 1);
      assert.match(logs.at(-1)?.line ?? '', /Logs were truncated/);
      assert.equal(logs[0]?.line, 'x'.repeat(99));
    });
  }

  it('forges answers only harms itself', async () => {
    const action = sourceAction(
      NODEJS,
      `const fs = require('node:fs');
       function main() {
         const fd = fs.openSync('/dev/seuss', 'r+');
         fs.writeSync(fd, 'no json\\n{"op":"result","id":1,"status":"ok","value":{"forged":true}}\\n');
         return { genuine: true };
       }`,
    );
    const activation = await node.invoke(action, {});
    assert.equal(errorOf(activation), EXITED);
    const other = sourceAction(NODEJS, 'function main() { return { ok: true } }');
    assert.deepEqual((await node.invoke(other, {})).result, { ok: true });
  });
});

describe('an error of the platform is thrown', () => {
  const rejectsWith = async (work: Promise<unknown>, code: string): Promise<void> => {
    await assert.rejects(work, (error) => error instanceof PlatformError && error.code === code);
  };

  it('for an unknown kind', () => rejectsWith(node.invoke(sourceAction('cobol:85', ''), {}), 'unknown_kind'));

  it('for a missing code image', async () => {
    const action = sourceAction(NODEJS, '', { code: { type: 'image', imagePath: '/nonexistent.erofs' } });
    await rejectsWith(node.invoke(action, {}), 'tender_refused');
    await rejectsWith(node.invoke(action, {}), 'tender_refused');
  });

  it('when the caller gives up, and the function is stopped', async () => {
    const aborter = new AbortController();
    const action = sourceAction(NODEJS, 'function main() { for (;;) {} }');
    const invocation = node.invoke(action, {}, { signal: aborter.signal });
    setTimeout(() => aborter.abort(), 100);
    await rejectsWith(invocation, 'aborted');
    assert.equal(node.stats().busyUcs, 0);
  });

  it('after the node was closed', async () => {
    const closed = await startComputeNode({ cores: 1 });
    await closed.close();
    await rejectsWith(closed.invoke(sourceAction(NODEJS, ''), {}), 'closed');
  });
});
