import type { Command } from 'commander';
import type { Check } from '../../doctor/check.ts';
import { diagnose } from '../../doctor/doctor.ts';
import { EXIT } from '../exit-codes.ts';

const MARK: Readonly<Record<Check['status'], string>> = {
  ok: 'ok     ',
  warning: 'warning',
  missing: 'MISSING',
};

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .summary('check this host')
    .description(
      'Checks kernel, privileges, compiler, interpreters and limits; says what mends what is missing.',
    )
    .option('--json', 'print {ok, checks}')
    .action(async ({ json }: { json?: true }) => {
      const diagnosis = await diagnose();
      if (json) console.log(JSON.stringify(diagnosis));
      else for (const check of diagnosis.checks) print(check);
      process.exitCode = diagnosis.ok ? EXIT.ok : EXIT.platform;
    });
}

function print({ title, status, found, means, remedy }: Check): void {
  console.log(`${MARK[status]}  ${title.padEnd(20)}  ${found}`);
  if (remedy !== undefined) console.log(`         ${means}\n         → ${remedy}`);
}
