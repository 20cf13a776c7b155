import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Packager } from '../action/packager.ts';
import { processFolder, sweepProcessFolders } from '../action/process-folder.ts';
import type { StartsFrom } from '../contract/action.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ComputeNodeOptions } from '../contract/options.ts';
import { dataDir } from '../contract/paths.ts';
import { startComputeNode } from '../node/start-node.ts';
import { resolveKind } from '../runtime/kinds.ts';
import { helpersMakeWay } from '../threads/priority.ts';
import { Interrupted, onInterrupt } from './interrupt.ts';
import { warn } from './progress.ts';

/**
 * Runs `work` with a node, and closes the node however the work ends. Ctrl-C closes it at once, and
 * so does a fault that cannot be mended; work that awaits `interrupted` itself may then still end
 * well.
 */
export async function withNode<T>(
  options: ComputeNodeOptions,
  work: (node: ComputeNode, interrupted: Promise<never>) => Promise<T>,
): Promise<T> {
  const { interrupted, dispose } = onInterrupt();
  helpersMakeWay();
  const starting = startComputeNode({ bindThread: true, onWarning: warn, ...options });
  const close = () => starting.then((node) => node.close()).catch(() => undefined);
  let job: Promise<T> | undefined;
  try {
    const node = await Promise.race([starting, interrupted]);
    const failed = node.failed.then((error) => Promise.reject(error));
    const over = Promise.race([interrupted, failed]);
    job = work(node, over);
    return await Promise.race([job, over]);
  } catch (error) {
    if (!(error instanceof Interrupted) || job === undefined) throw error;
    await close();
    return await job.catch(() => {
      throw error;
    });
  } finally {
    dispose();
    await close();
  }
}

/**
 * @param startsFrom what actions that say nothing about it start from
 * @param codeDir folder for the code of its actions; by default one that goes with this process
 */
export function createPackager(startsFrom?: StartsFrom, codeDir?: string): Packager {
  if (codeDir === undefined) sweepProcessFolders(codeParent()).catch(() => undefined);
  return new Packager({
    codeDir: codeDir ?? processFolder(codeParent()),
    durable: codeDir !== undefined,
    resolveKind: (kind) => resolveKind(kind).name,
    ...(startsFrom !== undefined && { startsFrom }),
  });
}

/** At the end of the process: what it packed for itself goes. */
export function removeOwnCode(): void {
  rmSync(processFolder(codeParent()), { recursive: true, force: true });
}

function codeParent(): string {
  return join(dataDir(), 'code');
}
