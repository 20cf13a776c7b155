import type { Command } from 'commander';
import { addRuntime, listRuntimes } from '../../runtime/runtimes.ts';

interface JsonFlag {
  readonly json?: true;
}

export function runtimeCommand(program: Command): void {
  const runtime = program.command('runtime').summary('list and add interpreters');
  runtime
    .command('list')
    .description('Lists the kinds of functions, and where their interpreters are.')
    .option('--json', 'print [{kind, interpreter}]')
    .action(({ json }: JsonFlag) => {
      const runtimes = listRuntimes();
      if (json) {
        console.log(
          JSON.stringify(
            runtimes.map(({ kind, interpreter }) => ({ kind, interpreter: interpreter ?? null })),
          ),
        );
        return;
      }
      for (const { kind, interpreter } of runtimes) {
        console.log(`${kind.padEnd(12)} ${interpreter ?? `not installed; seuss runtime add ${kind}`}`);
      }
    });
  runtime
    .command('add')
    .description('Installs the interpreter of a kind, unless it is there.')
    .argument('<kind>', 'like nodejs:22')
    .option('--json', 'print {kind, interpreter}')
    .action(async (kind: string, { json }: JsonFlag) => {
      const added = await addRuntime(kind);
      console.log(json ? JSON.stringify(added) : `${added.kind} is at ${added.interpreter}`);
    });
}
