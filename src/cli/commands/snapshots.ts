import type { Command } from 'commander';
import { printJson } from '../../json/print.ts';
import { ApiClient } from '../api-client.ts';
import { resolveTarget, type TargetFlags, targetOptions } from '../api-target.ts';
import { snapshotList } from '../snapshot-schemas.ts';
import { snapshotTable, snapshotTree } from '../snapshot-tables.ts';

interface SnapshotsFlags extends TargetFlags {
  readonly tree?: true;
  readonly json?: true;
}

export function snapshotsCommand(program: Command): void {
  const command = program
    .command('snapshots')
    .summary('list the snapshots of a running node')
    .description("Lists the snapshots of a running node: the runtimes', and those of your functions.")
    .option('--tree', 'draw their lineage')
    .option('--json', 'print what the node answers');
  targetOptions(command).action(async (flags: SnapshotsFlags) => {
    const client = new ApiClient(resolveTarget(flags));
    const snapshots = await client.request('GET', '/seuss/v1/snapshots', snapshotList);
    if (flags.json) console.log(printJson(snapshots));
    else console.log((flags.tree ? snapshotTree : snapshotTable)(snapshots, Date.now()));
  });
}
