import { Command } from 'commander';
import { VERSION } from '../contract/version.ts';
import { actionCommand } from './commands/action.ts';
import { benchCommand } from './commands/bench.ts';
import { captureCommand } from './commands/capture.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { invokeCommand } from './commands/invoke.ts';
import { psCommand } from './commands/ps.ts';
import { runCommand } from './commands/run.ts';
import { runtimeCommand } from './commands/runtime.ts';
import { serveCommand } from './commands/serve.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { snapshotsCommand } from './commands/snapshots.ts';
import { EXIT_HELP } from './exit-codes.ts';

/** The command `seuss` with all that it knows. It ends no process by itself. */
export function commandLine(): Command {
  const program = new Command('seuss')
    .description('Starts serverless functions from snapshots of unikernel contexts.')
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', EXIT_HELP);

  invokeCommand(program);
  serveCommand(program);
  actionCommand(program);
  psCommand(program);
  captureCommand(program);
  snapshotsCommand(program);
  snapshotCommand(program);
  runCommand(program);
  benchCommand(program);
  demoCommand(program);
  runtimeCommand(program);
  doctorCommand(program);
  return program;
}
