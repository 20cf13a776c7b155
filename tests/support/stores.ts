import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ComputeNode, NodeStats, StoreStats } from '../../src/contract/node.ts';
import type { ComputeNodeOptions } from '../../src/contract/options.ts';
import { startComputeNode } from '../../src/node/start-node.ts';

/** Where nothing waits for a disk; tests that are about one use `tmpdir()`. */
const MEMORY = '/dev/shm';

/** A folder that goes with the test. */
export function storeFolder(t: TestContext, parent = existsSync(MEMORY) ? MEMORY : tmpdir()): string {
  const dir = mkdtempSync(join(parent, 'seuss-store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What a node with a store had to say. */
export interface Reports {
  readonly warnings: string[];
  readonly infos: string[];
  /** Long steps: `Booting …`, `Restored …`. */
  readonly steps: string[];
}

export type StoredNode = ComputeNode & { readonly reports: Reports };

export async function openNode(
  dir: string,
  options: ComputeNodeOptions & { readonly maxBytes?: number } = {},
): Promise<StoredNode> {
  const reports: Reports = { warnings: [], infos: [], steps: [] };
  const { maxBytes, ...others } = options;
  const node = await startComputeNode({
    ...others,
    store: {
      dir,
      ...(maxBytes !== undefined && { maxBytes }),
      onReport: (level, message) => reports[level === 'warn' ? 'warnings' : 'infos'].push(message),
    },
    onProgress: (message) => reports.steps.push(message),
  });
  return Object.assign(node, { reports });
}

/** Runs `work` with a node on the store, and closes it: what was captured is written then. */
export async function withStore<T>(
  dir: string,
  work: (node: StoredNode) => Promise<T>,
  options: ComputeNodeOptions & { readonly maxBytes?: number } = {},
): Promise<T> {
  const node = await openNode(dir, options);
  try {
    return await work(node);
  } finally {
    await node.close();
  }
}

export function storeOf(stats: NodeStats): StoreStats {
  if (stats.store === undefined) {
    throw new Error('the node has no store');
  }
  return stats.store;
}

/** Files of a store that no manifest of it names. */
export function strayFiles(dir: string): string[] {
  const snapshots = join(dir, 'snapshots');
  const names = readdirSync(snapshots);
  const named = new Set(names.filter((name) => name.endsWith('.json')));
  for (const name of [...named]) {
    const { plan, layer } = JSON.parse(readFileSync(join(snapshots, name), 'utf8'));
    named.add(plan.name);
    if (layer !== null) named.add(layer.name);
  }
  return [...names.filter((name) => !named.has(name)), ...readdirSync(join(dir, 'tmp'))];
}

/** Resolves when the node has written all snapshots that it means to. */
export async function allStored(node: ComputeNode): Promise<void> {
  while (
    node.stats().snapshots.some(({ stored, kind }) => !stored && kind !== 'capture') ||
    storeOf(node.stats()).queued > 0
  ) {
    await sleep(10);
  }
}

/** The same of the last one, for a store whose limit removes older ones. */
export async function newestStored(node: ComputeNode): Promise<void> {
  const newest = () => node.stats().snapshots.reduce((a, b) => (b.createdMs >= a.createdMs ? b : a));
  while (!newest().stored || storeOf(node.stats()).queued > 0) {
    await sleep(10);
  }
}
