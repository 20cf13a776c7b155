import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { JsonText } from '../../src/json/json-text.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { limits, NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { special } from '../support/halfway.ts';

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ cores: 1, preboot: [NODEJS, PYTHON] });
});
after(() => node.close());

const NODEJS_ECHO = 'exports.main = (args) => args';
const PYTHON_ECHO = 'def main(args):\n    return args';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const invoke = (action: Action, text: string): Promise<Activation> =>
  node.invoke(action, JsonText.parse(text));

describe('values of functions', () => {
  it('come back to the digit from Python, from each starting point', async () => {
    const echo = sourceAction(PYTHON, PYTHON_ECHO);
    const text = `{"n":9007199254740993,"price":10.0,"zero":-0.0,"big":1${'0'.repeat(400)},"t":"é€😀"}`;
    for (const path of ['cold', 'hot', 'warm']) {
      if (path === 'warm') await node.dropIdle(echo);
      const activation = await invoke(echo, text);
      assert.deepEqual([activation.path, activation.resultText.text], [path, text]);
    }
    await node.demoteIdle(echo);
    assert.equal((await invoke(echo, text)).resultText.text, text);
    const list = '[9007199254740993,10.0,[1.50]]';
    assert.equal((await invoke(echo, list)).resultText.text, list.replace('1.50', '1.5'));
  });

  it('reach Node.js as JSON.parse has them', async () => {
    const source = 'exports.main = ({ n, price, t }) => ({ n, price, t, exact: n === 9007199254740991 })';
    const { resultText } = await invoke(
      sourceAction(NODEJS, source),
      '{"n":9007199254740991,"price":10.0,"t":"\\ud800é","n":9007199254740991}',
    );
    assert.equal(resultText.text, '{"n":9007199254740991,"price":10,"t":"\\ud800é","exact":true}');
  });

  it('that are fixed are told apart by each digit', async () => {
    const fixed = JsonText.parse('{"n":9007199254740993}');
    const action = special(
      PYTHON,
      'def main(args):\n    n = args["n"]\n    return {"n": n, "x": args["x"]}',
      [],
      {
        policy: { startsFrom: 'reuse', specialize: [fixed] },
      },
    );
    const runs: string[] = [];
    for (const n of [
      '9007199254740993',
      '9007199254740993',
      '9007199254740993',
      '9007199254740992',
      '9007199254740993.0',
    ]) {
      const { path, resultText } = await invoke(action, `{"n":${n},"x":1.0}`);
      runs.push(path);
      assert.equal(resultText.text, `{"n":${n === '9007199254740993.0' ? '9007199254740992.0' : n},"x":1.0}`);
    }
    assert.deepEqual(runs, ['cold', 'warm', 'argument', 'hot', 'hot']);
  });

  for (const kind of [NODEJS, PYTHON]) {
    it(`may be 1,000 levels deep; deeper results are an error, and the context lives (${kind})`, async () => {
      const echo = sourceAction(kind, kind === NODEJS ? NODEJS_ECHO : PYTHON_ECHO);
      assert.equal((await invoke(echo, nested(1000))).resultText.text, nested(1000));
      assert.equal((await invoke(echo, `{"a":${nested(999)}}`)).path, 'hot');
      const deepen =
        kind === NODEJS
          ? 'exports.main = ({ n }) => { let a = []; while (n--) a = [a]; return a }'
          : 'def main(args):\n    a = []\n    for _ in range(args["n"]): a = [a]\n    return a';
      const deep = sourceAction(kind, deepen, { limits: limits({ resultBytes: 4 << 20 }) });
      const told: unknown[] = [];
      for (const n of [999, 1000, 5000, 100_000, 1]) {
        const { path, status, result } = await node.invoke(deep, { n });
        told.push([path, status, status === 'success' ? '' : result]);
      }
      const error = { error: 'The action produced a response that is nested more than 1000 levels deep.' };
      assert.deepEqual(told, [
        ['cold', 'success', ''],
        ['hot', 'application error', error],
        ['hot', 'application error', error],
        ['hot', 'application error', error],
        ['hot', 'success', ''],
      ]);
    });

    it(`have bytes of UTF-8 (${kind})`, async () => {
      const long =
        kind === NODEJS
          ? 'exports.main = ({ n }) => ({ t: "é".repeat(n) })'
          : 'def main(args):\n    return {"t": "é" * args["n"]}';
      const action = sourceAction(kind, long);
      assert.equal((await node.invoke(action, { n: 500_000 })).status, 'success');
      const { status, result } = await node.invoke(action, { n: 524_288 });
      assert.equal(status, 'application error');
      assert.match(JSON.stringify(result), /exceeded the allowed length: 1048584 > 1048576 bytes/);
      assert.equal((await node.invoke(action, { n: 1 })).path, 'hot');
    });
  }
});

describe('lines without end', () => {
  it('of any kind cost no more than the limit on logs', async () => {
    const source = `
import os
def main(args):
    line = args["line"].encode()
    for _ in range(args["times"]): os.write(args["to"], line)
    return {}`;
    const action = sourceAction(PYTHON, source, { limits: limits({ logBytes: 200_000 }) });
    for (const [line, times, to] of [
      ['\n'.repeat(30_000), 300, 1],
      ['x', 20_000, 2],
      ['x'.repeat(60_000), 100, 1],
      ['\0\n', 20_000, 2],
    ] as const) {
      const { status, log, logs } = await node.invoke(action, { line, times, to });
      assert.equal(status, 'success');
      assert.match(logs.at(-1)?.line ?? '', line === 'x' ? /^x{20000}$/ : /Logs were truncated/);
      assert.ok(log.bytes <= 201_000, String(log.bytes));
    }
  });
});

describe('what an invocation takes', () => {
  const BAD_ENV = {
    get BAD(): string {
      throw new Error('no text');
    },
  };

  it('goes back when it breaks in the node itself, from each starting point', async () => {
    const action = sourceAction(PYTHON, PYTHON_ECHO);
    const fails = () => assert.rejects(node.invoke(action, {}, { env: BAD_ENV }), /no text/);
    await fails();
    await node.invoke(action, {});
    await fails();
    assert.equal((await node.invoke(action, {})).path, 'warm');
    await node.demoteIdle(action);
    await fails();
    await node.dropIdle(action);
    await fails();
    const { busyUcs, leaks } = node.stats();
    assert.deepEqual([busyUcs, leaks], [0, 0]);
    // As often as a core has places.
    for (let i = 0; i < 1100; i++) await fails();
    assert.equal((await node.invoke(action, {})).status, 'success');
    assert.equal(node.stats().busyUcs, 0);
  });

  it('does not include others when a listener breaks', async () => {
    const late = `setTimeout(() => console.log('late'), 1)`;
    const action = sourceAction(NODEJS, `exports.main = () => { ${late}; return {} }`);
    const other = sourceAction(PYTHON, 'import time\ndef main(args):\n    time.sleep(0.2)\n    return {}');
    await node.invoke(other, {});
    const running = node.invoke(other, {});
    const onLateLog = () => {
      throw new Error('no');
    };
    await node.invoke(action, {}, { onLateLog });
    await node.invoke(action, {}, { onLateLog });
    assert.equal((await running).status, 'success');
    assert.equal((await node.invoke(other, {})).path, 'hot');
  });
});
