import type { Command } from 'commander';
import { runAblation } from '../../bench/ablation.ts';
import { formatAblation } from '../../bench/ablation-report.ts';
import { formatArgumentReport, runArgumentBench } from '../../bench/argument.ts';
import { runDensityBench } from '../../bench/density.ts';
import { formatDensity } from '../../bench/density-report.ts';
import { ATTACKS } from '../../bench/hostile/catalogue.ts';
import { runHostileBench } from '../../bench/hostile/hostile.ts';
import { formatHostile } from '../../bench/hostile/report.ts';
import { formatReport } from '../../bench/report.ts';
import { runStartBench } from '../../bench/run.ts';
import { resolveKind } from '../../runtime/kinds.ts';
import { EXIT } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { integer } from '../options.ts';
import { progress } from '../progress.ts';
import { createPackager, withNode } from '../with-node.ts';

interface StartFlags {
  readonly runs: number;
  readonly idle: number;
  readonly restart: number;
  readonly ablate?: true | string;
  readonly json?: true;
}

interface DensityFlags {
  readonly count: number;
  readonly kind: string;
  readonly sample: number;
  readonly json?: true;
}

interface ArgumentFlags {
  readonly runs: number;
  readonly prefix: number;
  readonly json?: true;
}

interface HostileFlags {
  readonly only?: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly list?: true;
  readonly json?: true;
}

export function benchCommand(program: Command): void {
  const bench = program.command('bench').summary('measure this machine');
  bench
    .command('start')
    .description(
      'Measures cold, warm and hot starts with and without anticipation beside plain ' +
        'processes, CPU-bound code in a unikernel context beside native, new and reset contexts for ' +
        'each invocation, the memory of idle contexts, and restarts from a snapshot store.',
    )
    .option(
      '--runs <n>',
      'warm starts of each function; there are half as many cold and twenty times as many hot ones',
      integer(4, 100_000),
      100,
    )
    .option('--idle <n>', 'idle contexts for the memory figure', integer(1, 2000), 300)
    .option(
      '--restart <n>',
      'functions of each language that a node is restarted with',
      integer(1, 5000),
      100,
    )
    .option(
      '--ablate [items]',
      'measure each optimisation left out instead, or only those named: --ablate http,templates',
    )
    .option('--json', 'print all figures as JSON')
    .action(start);
  bench
    .command('density')
    .description(
      'Invokes many distinct functions once, accounts for the memory that they and their idle ' +
        'contexts hold, beside plain processes, and invokes a sample of them again.',
    )
    .option('--count <n>', 'distinct functions', integer(1, 1_000_000), 1000)
    .option('--kind <kind>', 'their kind', 'nodejs:24')
    .option('--sample <n>', 'functions that are invoked again', integer(1, 100_000), 500)
    .option('--json', 'print all figures as JSON')
    .action(density);
  bench
    .command('argument')
    .description(
      'Measures starts from an argument snapshot, behind work that all runs of a function begin with, ' +
        'beside warm starts and plain processes, which do that work.',
    )
    .option('--runs <n>', 'starts from each argument snapshot', integer(4, 100_000), 100)
    .option('--prefix <ms>', 'processor time of the common work', integer(1, 10_000), 300)
    .option('--json', 'print all figures as JSON')
    .action(argument);
  bench
    .command('hostile')
    .description(
      'Measures what clients of honest functions wait beside each of a list of attacks, what memory ' +
        'an attack takes and leaves, and whether an answer is lost. Ends with status 1 when one is not ' +
        'withstood.',
    )
    .option('--only <attacks>', 'of the attacks only those named: --only holes,altstack')
    .option('--rounds <n>', 'times that clients are alone and then beside the attack', integer(1, 1000), 3)
    .option('--seconds <n>', 'of each of the two', integer(1, 3600), 5)
    .option('--list', 'name the attacks, and what must hold in spite of them')
    .option('--json', 'print all figures as JSON')
    .action(hostile);
}

async function hostile({ only, rounds, seconds, list, json }: HostileFlags): Promise<void> {
  if (list) {
    for (const { name, promise } of ATTACKS) console.log(`${name.padEnd(26)} ${promise}`);
    return;
  }
  const { interrupted, dispose } = onInterrupt();
  try {
    const report = await runHostileBench({
      ...(only !== undefined && { only: only.split(',') }),
      rounds,
      seconds,
      onProgress: progress,
      interrupted,
    });
    console.log(json ? JSON.stringify(report) : formatHostile(report));
    if (report.results.some(({ faults }) => faults.length > 0)) process.exitCode = EXIT.functionError;
  } finally {
    dispose();
  }
}

async function argument({ runs, prefix, json }: ArgumentFlags): Promise<void> {
  const report = await runArgumentBench({
    packager: createPackager(),
    runs,
    prefixMs: prefix,
    onProgress: progress,
    withNode,
  });
  console.log(json ? JSON.stringify(report) : formatArgumentReport(report));
}

async function density({ count, kind, sample, json }: DensityFlags): Promise<void> {
  const { name } = resolveKind(kind);
  const packager = createPackager();
  const options = { packager, kind: name, count, sample, onProgress: progress };
  const report = await withNode({ preboot: [name], onProgress: progress }, (node, interrupted) =>
    Promise.race([runDensityBench(node, options), interrupted]),
  );
  console.log(json ? JSON.stringify(report) : formatDensity(report));
}

async function ablate(runs: number, items: true | string, json: true | undefined): Promise<void> {
  const report = await runAblation({
    packager: createPackager(),
    runs,
    ...(items !== true && { items: items.split(',') }),
    onProgress: progress,
    withNode,
  });
  console.log(json ? JSON.stringify(report) : formatAblation(report));
}

async function start({ runs, idle, restart, ablate: items, json }: StartFlags): Promise<void> {
  if (items !== undefined) {
    await ablate(runs, items, json);
    return;
  }
  const report = await runStartBench({
    packager: createPackager(),
    runs: { cold: Math.ceil(runs / 2), warm: runs, hot: runs * 20, plain: Math.ceil(runs / 5) },
    cpuRounds: Math.max(3, Math.min(7, Math.floor(runs / 10))),
    idleUcs: idle,
    restarted: restart,
    onProgress: progress,
    withNode,
  });
  console.log(json ? JSON.stringify(report) : formatReport(report));
}
