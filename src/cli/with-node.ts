import { join } from 'node:path';
import { Packager } from '../action/packager.ts';
import { startComputeNode } from '../node/compute-node.ts';
import type { ComputeNode, ComputeNodeOptions, StartState } from '../node/types.ts';
import { resolveKind } from '../runtime/kinds.ts';
import { dataDir } from '../runtime/paths.ts';
import { Interrupted, onInterrupt } from './interrupt.ts';
import { warn } from './progress.ts';

/**
 * Runs `work` with a node, and closes the node however the work ends. Ctrl-C closes it at
 * once, and so does a fault that cannot be mended; work that awaits `interrupted` itself may then still end well.
 */
export async function withNode<T>(
  options: ComputeNodeOptions,
  work: (node: ComputeNode, interrupted: Promise<never>) => Promise<T>,
): Promise<T> {
  const { interrupted, dispose } = onInterrupt();
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

/** @param state what actions that say nothing about it start from */
export function createPackager(state?: StartState): Packager {
  return new Packager({
    codeDir: join(dataDir(), 'code'),
    resolveKind: (kind) => resolveKind(kind).name,
    ...(state !== undefined && { state }),
  });
}
