import type { Command } from 'commander';
import { printJson } from '../../json/print.ts';
import { ApiClient } from '../api-client.ts';
import { resolveTarget, type TargetFlags, targetOptions } from '../api-target.ts';
import { snapshotInfo } from '../snapshot-schemas.ts';
import { kib } from '../snapshot-tables.ts';

interface Flags extends TargetFlags {
  readonly json?: true;
}

export function captureCommand(program: Command): void {
  const command = program
    .command('capture')
    .summary('take a snapshot of a running activation')
    .description(
      'Stops a running activation of a node wherever it is, takes a snapshot, and lets it run on. ' +
        'seuss snapshot resume goes on from there, as often as wanted.',
    )
    .argument('<activation>', 'id, as seuss ps shows it')
    .option('--json', 'print what the node answers');
  targetOptions(command).action(async (id: string, flags: Flags) => {
    const client = new ApiClient(resolveTarget(flags));
    const path = `/seuss/v1/activations/${encodeURIComponent(id)}/capture`;
    const snapshot = await client.request('POST', path, snapshotInfo);
    if (flags.json) console.log(printJson(snapshot));
    else console.log(`${snapshot.id}  ${snapshot.of}, ${kib(snapshot.ownBytes)} KiB of its own`);
  });
}
