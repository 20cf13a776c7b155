import Table from 'cli-table3';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { resolveTarget, type TargetFlags, targetOptions } from '../api-target.ts';
import { runningList } from '../snapshot-schemas.ts';
import { age } from '../snapshot-tables.ts';

interface Flags extends TargetFlags {
  readonly json?: true;
}

export function psCommand(program: Command): void {
  const command = program
    .command('ps')
    .summary('list the running activations of a node')
    .description('Lists the activations of your functions that a running node has not answered yet.')
    .option('--json', 'print what the node answers');
  targetOptions(command).action(async (flags: Flags) => {
    const client = new ApiClient(resolveTarget(flags));
    const running = await client.request('GET', '/seuss/v1/activations/running', runningList);
    if (flags.json) {
      console.log(JSON.stringify(running));
      return;
    }
    const table = new Table({
      head: ['activation', 'function', 'phase', 'path', 'since'],
      style: { head: [], border: [] },
    });
    for (const { id, of, phase, path, startMs } of running) {
      table.push([id, of, phase, path ?? '-', age(Date.now() - startMs)]);
    }
    console.log(table.toString());
  });
}
