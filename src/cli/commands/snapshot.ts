import type { Command } from 'commander';
import { prettyJson, printJson } from '../../json/print.ts';
import { ApiClient } from '../api-client.ts';
import { resolveTarget, type TargetFlags, targetOptions } from '../api-target.ts';
import { EXIT } from '../exit-codes.ts';
import { progress } from '../progress.ts';
import { activation, snapshotDetails, snapshotDiff, snapshotInfo } from '../snapshot-schemas.ts';
import { detailsText, diffText } from '../snapshot-tables.ts';

interface Flags extends TargetFlags {
  readonly json?: true;
}

const JSON_HELP = 'print what the node answers';

export function snapshotCommand(program: Command): void {
  const snapshot = program.command('snapshot').summary('look at, resume or drop one snapshot');
  const subcommand = (name: string, description: string): Command =>
    targetOptions(snapshot.command(name).description(description).option('--json', JSON_HELP));
  subcommand('inspect', 'Shows sizes, program counter, registers and memory map of a snapshot.')
    .argument('<id>')
    .action(inspect);
  subcommand('diff', 'Shows in which pages two snapshots differ.')
    .argument('<id>')
    .argument('<other>')
    .action(diff);
  subcommand('resume', 'Goes on with a captured run: result on stdout, what it logs from there on stderr.')
    .argument('<id>')
    .action(async (id: string, flags: Flags) => {
      process.exitCode = await resume(id, flags);
    });
  subcommand('rm', 'Drops a snapshot. Contexts that came from it live on.').argument('<id>').action(remove);
}

function pathOf(...parts: string[]): string {
  return ['/seuss/v1/snapshots', ...parts.map(encodeURIComponent)].join('/');
}

function clientOf(flags: Flags): ApiClient {
  return new ApiClient(resolveTarget(flags));
}

async function inspect(id: string, flags: Flags): Promise<void> {
  const details = await clientOf(flags).request('GET', pathOf(id), snapshotDetails);
  console.log(flags.json ? printJson(details) : detailsText(details, Date.now()));
}

async function diff(id: string, other: string, flags: Flags): Promise<void> {
  const difference = await clientOf(flags).request('GET', pathOf(id, 'diff', other), snapshotDiff);
  console.log(flags.json ? printJson(difference) : diffText(difference));
}

/** A run that takes longer than the node lets a client wait goes on; its id is told. */
async function resume(id: string, flags: Flags): Promise<number> {
  const path = `${pathOf(id, 'resume')}?blocking=true`;
  const answer = await clientOf(flags).request('POST', path, activation);
  const { activationId, response } = answer;
  if (flags.json) console.log(printJson(answer));
  else if (response === undefined) progress(`It runs on as activation ${activationId}.`);
  else {
    for (const line of answer.logs ?? []) console.error(line);
    console.log(prettyJson(response.result));
    progress(`${response.status}; activation ${activationId}`);
  }
  return response === undefined || response.success ? EXIT.ok : EXIT.functionError;
}

async function remove(id: string, flags: Flags): Promise<void> {
  const dropped = await clientOf(flags).request('DELETE', pathOf(id), snapshotInfo);
  console.log(flags.json ? printJson(dropped) : `${dropped.id} of ${dropped.of} is dropped`);
}
