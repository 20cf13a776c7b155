import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { DEFAULT_GUEST_KEY } from '../../api/auth.ts';
import { adoptAction } from '../../api/openwhisk/adopt-action.ts';
import { createApi } from '../../api/server.ts';
import type { ComputeNode } from '../../contract/node.ts';
import { kindNames } from '../../runtime/kinds.ts';
import { listExamples } from '../demo/examples.ts';
import { type DemoRow, measureExample } from '../demo/measure.ts';
import { demoTable } from '../demo/table.ts';
import { EXIT } from '../exit-codes.ts';
import { integer } from '../options.ts';
import { progress } from '../progress.ts';
import { announce, DEFAULT_HOST, DEFAULT_PORT, listen, untilInterrupted } from '../serving.ts';
import { createPackager, withNode } from '../with-node.ts';

interface DemoFlags {
  readonly port: number;
  readonly once?: true;
  readonly json?: true;
}

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .summary('run the examples by all three paths, then serve them')
    .description(
      'Boots both runtimes, runs each function of examples/ three times (cold, warm, hot), prints the ' +
        'times beside those of plain processes, and serves the functions until Ctrl-C.',
    )
    .option('--port <port>', 'port to serve on; 0 takes a free one', integer(0, 65_535), DEFAULT_PORT)
    .option('--once', 'end after the table')
    .option('--json', 'print the figures as JSON')
    .action(async (flags: DemoFlags) => {
      process.exitCode = await demo(flags);
    });
}

async function demo(flags: DemoFlags): Promise<number> {
  const { examples, skipped } = listExamples();
  const preboot = [...new Set(examples.map(({ kind }) => kind))];
  const packager = createPackager();
  return await withNode({ preboot, onProgress: progress }, async (node, interrupted) => {
    const rows: DemoRow[] = [];
    for (const example of examples) {
      progress(`running ${example.name}`);
      rows.push(await measureExample(node, packager, example));
    }
    console.log(flags.json ? JSON.stringify({ rows, skipped }) : demoTable(rows));
    for (const line of skipped) console.error(`skipped ${line}`);
    const failed = rows.some(({ error }) => error !== undefined);
    if (!flags.once) await serve(node, packager, rows, flags, interrupted);
    return failed ? EXIT.functionError : EXIT.ok;
  });
}

async function serve(
  node: ComputeNode,
  packager: ReturnType<typeof createPackager>,
  rows: readonly DemoRow[],
  flags: DemoFlags,
  interrupted: Promise<never>,
): Promise<void> {
  const { app, actions } = createApi({ node, packager, kinds: kindNames(), log: true });
  try {
    for (const { example, error } of rows) {
      if (error !== undefined) continue;
      const action = await packager.fromPath(example.path, {
        kind: example.kind,
        name: `guest/${example.name}`,
      });
      adoptAction(actions, action);
    }
    await listen(app, DEFAULT_HOST, flags.port);
    announce(app.server.address() as AddressInfo, DEFAULT_GUEST_KEY, flags.json === true);
    if (!flags.json) console.log(tryIt(app.server.address() as AddressInfo));
    await untilInterrupted(interrupted);
  } finally {
    await app.close();
  }
}

function tryIt({ address, port }: AddressInfo): string {
  const url = `http://${address}:${port}/api/v1/namespaces/_/actions/nodejs-hello?blocking=true&result=true`;
  return `Try it      curl -u ${DEFAULT_GUEST_KEY} -d '{"name":"Ada"}' '${url}'\nCtrl-C ends it.`;
}
