import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ComputeNodeOptions } from '../contract/options.ts';
import { benchFunction, interpreterOf } from './cases.ts';
import { variant } from './start.ts';
import { type Summary, summarize } from './statistics.ts';

/** A node that starts again from its snapshot store. */
export interface RestartResult {
  readonly kind: string;
  readonly functions: number;
  /** Milliseconds from the start of the node to the first answer. */
  readonly readyMs: number;
  /** Milliseconds from the request to the first answer of each function. */
  readonly first: Summary;
  /** How many of them came from a stored snapshot. */
  readonly warm: number;
}

interface RestartOptions {
  readonly packager: Packager;
  readonly functions: number;
  readonly onProgress: (message: string) => void;
  readonly withNode: (
    options: ComputeNodeOptions,
    work: (node: ComputeNode) => Promise<void>,
  ) => Promise<void>;
}

const KINDS = [
  { kind: 'nodejs:24', file: 'nop.cjs' },
  { kind: 'python:3.11', file: 'nop.py' },
];
const POLL_MS = 20;

/** Invokes functions on a node with a store, and again on the node that starts from it. */
export async function measureRestarts(options: RestartOptions): Promise<RestartResult[]> {
  const results: RestartResult[] = [];
  for (const { kind, file } of KINDS) {
    if (interpreterOf(kind) === undefined) continue;
    const action = await options.packager.fromPath(benchFunction(file), { kind });
    const dir = await mkdtemp(join(tmpdir(), 'seuss-bench-'));
    try {
      await fill(dir, action, options);
      results.push(await restart(dir, action, options));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  return results;
}

async function fill(dir: string, action: Action, options: RestartOptions): Promise<void> {
  await options.withNode({ store: { dir }, onProgress: options.onProgress }, async (node) => {
    for (let number = 0; number < options.functions; number++) {
      await answered(node, variant(action, number));
    }
    while ((node.stats().store?.queued ?? 0) > 0) await pause(POLL_MS);
  });
}

async function restart(dir: string, action: Action, options: RestartOptions): Promise<RestartResult> {
  const { functions, onProgress } = options;
  const first: number[] = [];
  let readyMs = 0;
  let warm = 0;
  const begun = performance.now();
  await options.withNode({ store: { dir }, onProgress }, async (node) => {
    for (let number = 0; number < functions; number++) {
      const { path, timings } = await answered(node, variant(action, number));
      readyMs ||= performance.now() - begun;
      warm += Number(path === 'warm');
      first.push(timings.totalMs);
    }
  });
  return { kind: action.kind, functions, readyMs, first: summarize(first), warm };
}

async function answered(node: ComputeNode, action: Action) {
  const activation = await node.invoke(action, {});
  if (activation.status !== 'success') {
    throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(activation.result)}`);
  }
  return activation;
}
