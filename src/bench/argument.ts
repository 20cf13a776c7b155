import { setTimeout as pause } from 'node:timers/promises';
import Table from 'cli-table3';
import type { Packager } from '../action/packager.ts';
import type { StartPath } from '../contract/activation.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ComputeNodeOptions } from '../contract/options.ts';
import { benchFunction, interpreterOf } from './cases.ts';
import { type MachineFacts, machineFacts, machineLine } from './machine.ts';
import { runPlain } from './plain-process.ts';
import { type Summary, summarize } from './statistics.ts';

interface ArgumentBenchOptions {
  readonly packager: Packager;
  /** Starts from each argument snapshot. */
  readonly runs: number;
  /** Milliseconds of processor time that all runs of a function begin with. */
  readonly prefixMs: number;
  readonly onProgress: (message: string) => void;
  /** Runs `work` with a node of these options and closes it afterwards. */
  readonly withNode: (
    options: ComputeNodeOptions,
    work: (node: ComputeNode) => Promise<void>,
  ) => Promise<void>;
}

/** Milliseconds. */
interface ArgumentResult {
  readonly kind: string;
  /** From the spawn of a process to its answer. */
  readonly plain: Summary;
  /** From `invoke` to its answer: from the function's snapshot, and from the argument snapshot. */
  readonly warm: Summary;
  readonly argument: Summary;
  /** Of that, the deploy. */
  readonly deploy: Summary;
  /** Memory that the argument snapshot holds by itself. */
  readonly ownBytes: number;
}

interface ArgumentReport {
  readonly machine: MachineFacts;
  readonly prefixMs: number;
  readonly results: readonly ArgumentResult[];
}

const FUNCTIONS = [
  ['nodejs:24', 'prefix.cjs'],
  ['python:3.11', 'prefix.py'],
] as const;
/** Runs that have the prefix before them: they tell nothing new. */
const LONG_RUNS = 3;
/** As on a machine that is idle when a request comes. */
const PAUSE_MS = 20;

/** What starting half-way saves: a function with a long common beginning, by all ways. */
export async function runArgumentBench(options: ArgumentBenchOptions): Promise<ArgumentReport> {
  const { prefixMs, onProgress } = options;
  const machine = machineFacts();
  const results: ArgumentResult[] = [];
  for (const [kind, file] of FUNCTIONS) {
    const interpreter = interpreterOf(kind);
    if (interpreter === undefined) continue;
    onProgress(`measuring ${kind}`);
    const plain: number[] = [];
    // The first one finds its files on the disk.
    for (let run = 0; run <= LONG_RUNS; run++) {
      const { ms } = await runPlain(interpreter, benchFunction(file), { ms: prefixMs });
      if (run > 0) plain.push(ms);
    }
    await options.withNode({ preboot: [kind], onProgress }, async (node) => {
      results.push({ kind, plain: summarize(plain), ...(await measure(node, options, kind, file)) });
    });
  }
  return { machine, prefixMs, results };
}

async function measure(
  node: ComputeNode,
  { packager, runs, prefixMs }: ArgumentBenchOptions,
  kind: string,
  file: string,
): Promise<Omit<ArgumentResult, 'kind' | 'plain'>> {
  const fixed = { ms: prefixMs };
  const action = await packager.fromPath(benchFunction(file), {
    kind,
    policy: { startsFrom: 'fresh', specialize: [fixed] },
  });
  const invoke = async (params: { ms: number; x: number }, path: StartPath) => {
    await pause(PAUSE_MS);
    const activation = await node.invoke(action, params);
    if (activation.status !== 'success' || activation.path !== path) {
      const { status, path: taken, result } = activation;
      throw new PlatformError('bench_failed', `${file}: ${status}, ${taken}: ${JSON.stringify(result)}`);
    }
    return activation.timings;
  };
  // Just enough more than what is fixed to be another value.
  const other = { ms: prefixMs + 0.001, x: 0 };
  await invoke(other, 'cold');
  const warm: number[] = [];
  for (let run = 0; run < LONG_RUNS; run++) warm.push((await invoke(other, 'warm')).totalMs);
  await invoke({ ...fixed, x: 0 }, 'warm');
  const totals: number[] = [];
  const deploys: number[] = [];
  for (let x = 0; x < runs; x++) {
    const { totalMs, deployMs = 0 } = await invoke({ ...fixed, x }, 'argument');
    totals.push(totalMs);
    deploys.push(deployMs);
  }
  const { snapshot: id } = node.halfwayPoints(action)[0] ?? {};
  const ownBytes = node.stats().snapshots.find((snapshot) => snapshot.id === id)?.ownBytes ?? 0;
  return { warm: summarize(warm), argument: summarize(totals), deploy: summarize(deploys), ownBytes };
}

/** The report as a table for a terminal. */
export function formatArgumentReport({ machine, prefixMs, results }: ArgumentReport): string {
  const table = new Table({
    head: ['kind', 'plain process', 'warm', 'argument', 'of that, deploy', 'snapshot KiB'],
    style: { head: [], border: [] },
  });
  const cell = ({ median, p99 }: Summary): string => `${median.toFixed(2)} (${p99.toFixed(2)})`;
  for (const { kind, plain, warm, argument, deploy, ownBytes } of results) {
    table.push([kind, ...[plain, warm, argument, deploy].map(cell), (ownBytes / 1024).toFixed(0)]);
  }
  const title =
    `Functions that begin with ${prefixMs} ms of work: median (99th percentile) in milliseconds, from ` +
    'the request to the answer';
  return [machineLine(machine), title, table.toString()].join('\n');
}
