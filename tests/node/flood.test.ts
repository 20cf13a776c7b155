import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

/** What honest clients may wait at most; on a machine with nothing else to do it is a thousandth of that. */
const DEADLINE_MS = 10_000;
const CLIENTS = 4;

/** Sends frames of its own making until its time is over, as fast as Python can, and then answers as ever. */
const FLOOD = `
def flood(types, payload, seconds):
    import time
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for type in types * 100:
            send(type, payload)
    return {}

def main(args):
    return flood(args["types"], args["payload"].encode() * args["times"], args["seconds"])
`;
const [DRIVER_OUT, STDOUT, STDERR, TRACE] = [31, 32, 33, 36];

let node: ComputeNode;
let toolkit: string;
before(async () => {
  toolkit = await readFile(new URL('../hostile/reset.py', import.meta.url), 'utf8');
  node = await startComputeNode({ cores: 1, preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

const honest = sourceAction(NODEJS, 'exports.main = ({ n }) => { console.log("ran", n); return { n }; };');

/** Until `over`; every answer has to be right, and to come. */
async function honestClient(over: () => boolean): Promise<void> {
  for (let n = 0; !over() || n < 3; n++) {
    const begun = performance.now();
    const { status, result, logs } = await node.invoke(honest, { n });
    assert.deepEqual({ status, result }, { status: 'success', result: { n } });
    assert.deepEqual(
      logs.map(({ line }) => line),
      [`ran ${n}`],
    );
    assert.ok(performance.now() - begun < DEADLINE_MS);
  }
}

const FLOODS: readonly (readonly [what: string, types: readonly number[], payload: string, times: number])[] =
  [
    ['one-byte frames of output', [STDOUT], 'x', 1],
    ['one-byte frames of both streams in turn', [STDOUT, STDERR], 'x', 1],
    ['empty lines', [STDOUT, STDERR], '\n', 1],
    ['empty frames', [STDOUT, STDERR], '', 1],
    ['the longest frames', [STDOUT, STDERR], 'x', 65536],
    ['an answer that never ends', [DRIVER_OUT], 'x', 1],
    ['frames that nobody wants', [TRACE], 'x', 1],
  ];

describe('beside a function that sends without end', () => {
  for (const [what, types, payload, times] of FLOODS) {
    it(`all are served: ${what}`, async () => {
      const action = sourceAction(PYTHON, toolkit.split('\ndef main(')[0] + FLOOD, {
        limits: limits({ timeoutMs: 60_000, logBytes: 1 << 20 }),
      });
      await node.invoke(honest, { n: 0 });
      let over = false;
      const params = { types: [...types], payload, times, seconds: 0.5 };
      const flooding = Promise.all([node.invoke(action, params), node.invoke(action, params)]).finally(() => {
        over = true;
      });
      await Promise.all(Array.from({ length: CLIENTS }, () => honestClient(() => over)));
      for (const { status, logs } of await flooding) {
        if (types[0] !== DRIVER_OUT) {
          assert.equal(status, 'success');
        }
        assert.ok(logs.reduce((bytes, { line }) => bytes + line.length, 0) <= 1 << 20);
      }
      await node.forget(action);
    });
  }

  it('what it writes comes whole and in order, however fast', async () => {
    const source = `
import os
def main(args):
    for i in range(20000):
        os.write(1, b"%d\\n" % i)
    return {}`;
    const { status, logs } = await node.invoke(sourceAction(PYTHON, source), {});
    assert.equal(status, 'success');
    assert.deepEqual(
      logs.map(({ line }) => line),
      Array.from({ length: 20_000 }, (_, i) => String(i)),
    );
  });
});
