import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAblation } from '../../src/bench/ablation.ts';
import { formatAblation } from '../../src/bench/ablation-report.ts';
import { WORKLOADS } from '../../src/bench/ablation-workloads.ts';
import { formatArgumentReport, runArgumentBench } from '../../src/bench/argument.ts';
import { benchFunction, interpreterOf } from '../../src/bench/cases.ts';
import { runDensityBench } from '../../src/bench/density.ts';
import { formatDensity } from '../../src/bench/density-report.ts';
import { idleProcessBytes } from '../../src/bench/idle-processes.ts';
import { runPlain } from '../../src/bench/plain-process.ts';
import { measureRestarts } from '../../src/bench/restart.ts';
import { summarize } from '../../src/bench/statistics.ts';
import { measureThroughput } from '../../src/bench/throughput.ts';
import { listExamples } from '../../src/cli/demo/examples.ts';
import { createPackager, withNode } from '../../src/cli/with-node.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { ComputeNodeOptions } from '../../src/contract/options.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { anticipations } from '../../src/runtime/anticipations.ts';

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

describe('starts from argument snapshots', () => {
  it('are measured beside warm ones and plain processes', async () => {
    const report = await runArgumentBench({
      packager: createPackager(),
      runs: 4,
      prefixMs: 20,
      onProgress: () => undefined,
      withNode: (options, work) => withNode({ ...options, bindThread: false }, work),
    });
    assert.deepEqual(
      report.results.map(({ kind, argument }) => [kind, argument.count]),
      [
        ['nodejs:24', 4],
        ['python:3.11', 4],
      ],
    );
    for (const { plain, warm, argument, deploy, ownBytes } of report.results) {
      assert.ok(plain.min >= 20 && warm.min >= 20 && argument.min >= deploy.min && ownBytes > 0);
    }
    assert.match(formatArgumentReport(report), /begin with 20 ms of work/);
  });
});

describe('optimisations left out', () => {
  const options = {
    packager: createPackager(),
    runs: 2,
    onProgress: () => undefined,
    withNode: <T>(nodeOptions: ComputeNodeOptions, work: (node: ComputeNode) => Promise<T>) =>
      withNode({ ...nodeOptions, bindThread: false }, work),
  };

  it('are measured beside a node that has them', async () => {
    const report = await runAblation({ ...options, items: ['locale', 'recapture'] });
    assert.deepEqual(
      report.rows.map(({ kind, item }) => [kind, item]),
      [['nodejs:24', 'locale']],
    );
    assert.deepEqual(
      report.recapture.map(({ kind }) => kind),
      ['nodejs:24', 'python:3.11'],
    );
    for (const side of report.rows.flatMap((row) => [row.with, row.without])) {
      assert.ok(Object.values(side).every((figure) => figure > 0));
    }
    assert.match(formatAblation(report), /locale/);
    await assert.rejects(runAblation({ ...options, items: ['nonsense'] }), { code: 'unknown_optimisation' });
  });

  it('have a workload each that works', async () => {
    for (const [language, workloads] of Object.entries(WORKLOADS)) {
      const declared = anticipations(language);
      assert.deepEqual(Object.keys(workloads.anticipations).sort(), declared.map(({ name }) => name).sort());
      assert.ok(declared.every(({ why }) => why.length > 0));
    }
    await assert.rejects(startComputeNode({ anticipate: { except: ['nonsense'] } }), {
      code: 'unknown_anticipation',
    });
  });
});

describe('the start benchmark', () => {
  it('counts answers per second of every state', async () => {
    const interpreter = interpreterOf('nodejs:24') as string;
    const subject = { name: 'nop', kind: 'nodejs:24', path: benchFunction('nop.cjs'), interpreter };
    await withNode({ bindThread: false }, async (node) => {
      const { perSecond } = await measureThroughput(node, createPackager(), subject, 40);
      assert.ok(Object.values(perSecond).every((rate) => rate > 0));
      assert.equal(node.stats().idleUcs, 0);
    });
  });

  it('starts a node from its store, which serves every function warm', async () => {
    const results = await measureRestarts({
      packager: createPackager(),
      functions: 2,
      onProgress: () => undefined,
      withNode: (options, work) => withNode({ ...options, bindThread: false }, work),
    });
    assert.ok(results.length > 0);
    for (const { first, warm, readyMs } of results) {
      assert.deepEqual([first.count, warm], [2, 2]);
      assert.ok(readyMs > 0);
    }
  });
});

describe('density', () => {
  it('accounts for the memory of distinct functions, and finds them alive', async () => {
    const said: string[] = [];
    const report = await withNode({ bindThread: false, preboot: ['nodejs:24'] }, (node) =>
      runDensityBench(node, {
        packager: createPackager(),
        kind: 'nodejs:24',
        count: 12,
        sample: 5,
        onProgress: (message) => said.push(message),
      }),
    );
    assert.equal(report.snapshots, 12);
    assert.equal(report.idleUcs, 12);
    assert.equal(report.sample.invoked, 5);
    assert.deepEqual(report.sample.paths, { hot: 5 });
    assert.ok(report.parts.snapshotBytes > 0 && report.parts.tenderBytes > 0);
    assert.ok(report.oneFunction.idleUcs > 0);
    assert.match(formatDensity(report), /12 distinct functions of nodejs:24/);
    assert.doesNotMatch(formatDensity(report), /gave way/);
    assert.match(formatDensity({ ...report, snapshots: 10 }), /2 of them gave way to the memory budget/);
    assert.ok(said.length > 0);
  });

  it('of an unknown kind is refused', async () => {
    await withNode({ bindThread: false }, async (node) => {
      const options = {
        packager: createPackager(),
        kind: 'cobol',
        count: 1,
        sample: 1,
        onProgress: () => undefined,
      };
      await assert.rejects(runDensityBench(node, options), { code: 'unknown_kind' });
    });
  });

  it('counts an idle plain process', async () => {
    const bytes = await idleProcessBytes(interpreterOf('nodejs:24') as string, benchFunction('nop.cjs'), 1);
    assert.ok(bytes > 1024 ** 2);
  });
});
