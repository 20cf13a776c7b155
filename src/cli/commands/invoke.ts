import { type Command, Option } from 'commander';
import { STARTS_FROM, type StartsFrom } from '../../contract/action.ts';
import type { Activation, LogLine } from '../../contract/activation.ts';
import type { ComputeNode } from '../../contract/node.ts';
import { type JsonText, membersOf, objectOf } from '../../json/json-text.ts';
import { prettyJson, printJson } from '../../json/print.ts';
import { LANGUAGES } from '../../runtime/languages.ts';
import { UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, integer, parseParams, parseSize } from '../options.ts';
import { progress, timingLine } from '../progress.ts';
import { createPackager, withNode } from '../with-node.ts';
import { parseWithout } from '../without.ts';

interface InvokeFlags {
  readonly kind?: string;
  readonly main?: string;
  readonly param?: readonly string[];
  readonly params?: string;
  readonly repeat: number;
  readonly timeout?: number;
  readonly memory?: number;
  readonly state?: StartsFrom;
  readonly specialize?: readonly string[];
  readonly without?: ReturnType<typeof parseWithout>;
  readonly json?: true;
}

const MAX_TIMEOUT_MS = 300_000;

export function invokeCommand(program: Command): void {
  program
    .command('invoke')
    .summary('run a function and print its result')
    .description('Runs a function out of a snapshot: result on stdout, logs and timings on stderr.')
    .argument('<path>', 'a .js, .mjs, .cjs, .ts or .py file, a folder, a .zip or a .tar.gz')
    .option('--kind <kind>', `${choiceOfKinds()}; found out from the code otherwise`)
    .option('--main <name>', 'exported function to call (default: main)')
    .option('-p, --param <key> <value>', 'one argument; a value that is JSON is taken as JSON', collect)
    .option('--params <json>', 'all arguments as JSON, or @FILE')
    .option('--repeat <n>', 'how often to run it', integer(1, 1_000_000), 1)
    .option('--timeout <ms>', 'time limit of one run', integer(1, MAX_TIMEOUT_MS))
    .option('--memory <size>', 'memory limit of the function', parseSize)
    .addOption(
      new Option(
        '--state <state>',
        'what each run starts from: the state that the last one left, the snapshot put back, a new ' +
          'context (default: reuse)',
      ).choices(STARTS_FROM),
    )
    .option(
      '--specialize <names>',
      'arguments to fix, by name and with commas: runs start where the function first needs another one',
      (text: string) => text.split(','),
    )
    .option(
      '--without <items>',
      'optimisations to leave out, by the names of docs/measurements/start.md',
      parseWithout,
    )
    .option('--json', 'print {result, status, path, timings, logs} for each run')
    .action(async (path: string, flags: InvokeFlags) => {
      process.exitCode = await invoke(path, flags);
    });
}

/** `nodejs:20|22|default or …` */
function choiceOfKinds(): string {
  const choices = LANGUAGES.map(({ name, versions }) => `${name}:${[...versions, 'default'].join('|')}`);
  return choices.join(' or ');
}

async function invoke(path: string, flags: InvokeFlags): Promise<number> {
  const params = parseParams(flags.params, flags.param ?? []);
  const specialize = fixedArguments(params, flags.specialize);
  const action = await createPackager(flags.state).fromPath(path, {
    ...(flags.kind !== undefined && { kind: flags.kind }),
    ...(flags.main !== undefined && { main: flags.main }),
    ...(specialize !== undefined && { policy: { specialize: [specialize] } }),
    limits: {
      ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }),
      ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
    },
  });
  const print = flags.json ? printMachine : printHuman;
  const onLateLog = ({ line }: LogLine): void => console.error(line);
  const options = { cores: 1, preboot: [action.kind], onProgress: progress, ...flags.without };
  return await withNode(options, async (node: ComputeNode) => {
    let failed = false;
    for (let run = 0; run < flags.repeat; run++) {
      const activation = await node.invoke(action, params, { onLateLog });
      failed ||= activation.status !== 'success';
      print(activation);
    }
    return failed ? EXIT.functionError : EXIT.ok;
  });
}

function fixedArguments(params: JsonText, names: readonly string[] | undefined): JsonText | undefined {
  if (names === undefined) return undefined;
  if (!params.isObject) throw new UsageError('--specialize is for arguments that are an object.');
  const members = membersOf(params);
  const missing = names.filter((name) => !members.has(name));
  if (missing.length > 0) {
    throw new UsageError(`--specialize names ${missing.join(', ')}, which is no argument given.`);
  }
  return objectOf([...members].filter(([name]) => names.includes(name)));
}

function printMachine({ resultText: result, status, path, timings, logs }: Activation): void {
  console.log(printJson({ result, status, path, timings, logs }));
}

function printHuman({ resultText, status, path, timings, logs }: Activation): void {
  for (const { line } of logs) console.error(line);
  console.log(prettyJson(resultText));
  progress(status === 'success' ? timingLine(path, timings) : `${status}; ${timingLine(path, timings)}`);
}
