import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchFunction, interpreterOf } from '../src/bench/cases.ts';
import { runPlain } from '../src/bench/plain-process.ts';
import { summarize } from '../src/bench/statistics.ts';
import { listExamples } from '../src/cli/demo/examples.ts';

describe('statistics', () => {
  it('interpolates between samples', () => {
    const hundred = Array.from({ length: 101 }, (_, i) => 100 - i);
    assert.deepEqual(summarize(hundred), { count: 101, min: 0, median: 50, p99: 99, max: 100 });
    assert.equal(summarize([1, 2]).median, 1.5);
    assert.equal(summarize([7]).p99, 7);
    assert.throws(() => summarize([]), RangeError);
  });
});

describe('plain processes', () => {
  it('run every example and every benchmark function', async () => {
    const { examples } = listExamples();
    assert.ok(examples.length >= 8, 'at least eight examples run here');
    for (const { interpreter, path } of examples) {
      const { ms, result } = await runPlain(interpreter, path);
      assert.ok(ms > 0);
      assert.equal(typeof result, 'object', path);
    }
    const node = interpreterOf('nodejs:24') as string;
    for (const task of ['fib', 'json', 'crypto', 'regex']) {
      const { result } = await runPlain(node, benchFunction('cpu.cjs'), { task });
      assert.ok((result as { ms: number }).ms > 0, task);
    }
    assert.deepEqual((await runPlain(node, benchFunction('wait.cjs'), { ms: 1 })).result, {});
  });

  it('that fail say why', async () => {
    await assert.rejects(runPlain(process.execPath, '/nowhere.js'), { code: 'ENOENT' });
    const node = interpreterOf('nodejs:24') as string;
    await assert.rejects(runPlain(node, benchFunction('cpu.cjs'), { task: 'nope' }), {
      code: 'plain_process_failed',
    });
  });
});
