import { availableParallelism } from 'node:os';
import type { ComputeNode } from '../contract/node.ts';
import type { ComputeNodeOptions } from '../contract/options.ts';
import { libosPath, tenderPath } from '../contract/paths.ts';
import { Cores } from '../cores/cores.ts';
import { checkAnticipations } from '../runtime/anticipations.ts';
import { TENDER_OPTIMISATIONS } from '../tender/tender-process.ts';
import { faultOfUcUser } from '../tender/uc-user.ts';
import { Persistence } from './background/persistence.ts';
import { SeussNode } from './compute-node.ts';
import { captureMaxBytes, defaultBudgetBytes, wallBytes } from './idle/memory-budget.ts';

/**
 * Starts the tenders, one per core, and boots the kinds asked for.
 * @throws PlatformError `unknown_anticipation`, `not_built`, `tender_died`, `unknown_kind`,
 *   `runtime_missing`, `boot_failed`, `driver_version`
 */
export async function startComputeNode(options: ComputeNodeOptions = {}): Promise<ComputeNode> {
  if (typeof options.anticipate === 'object') {
    checkAnticipations(options.anticipate.except);
  }
  const coreCount = options.cores ?? availableParallelism();
  const cores = await Cores.start({
    tenderPath,
    libosPath,
    cores: coreCount,
    memoryMaxBytes: wallBytes(options.memoryBytes ?? defaultBudgetBytes(), coreCount),
    captureMaxBytes: captureMaxBytes(options.memoryBytes ?? defaultBudgetBytes()),
    bindNode: options.bindThread ?? false,
    without: TENDER_OPTIMISATIONS.filter((name) => options.without?.includes(name)),
  });
  const fault = faultOfUcUser(cores.first.tender.hello.ucUser);
  if (fault !== undefined) {
    options.onWarning?.(`${fault.message}. ${fault.remedy}`);
  }
  const persistence = await Persistence.open(options.store, cores).catch(async (error: unknown) => {
    await cores.close();
    throw error;
  });
  const node = new SeussNode(cores, persistence, options);
  try {
    await Promise.all((options.preboot ?? []).map((kind) => node.runtimes.get(kind)));
  } catch (error) {
    await node.close();
    throw error;
  }
  return node;
}
