import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type Logger, pino } from 'pino';
import type { Packager } from '../../action/packager.ts';
import { DEFAULT_GUEST_KEY } from '../../api/auth.ts';
import { createApi } from '../../api/server.ts';
import { ActionCatalog } from '../../catalog/action-catalog.ts';
import { ActionFiles } from '../../catalog/action-files.ts';
import { STARTS_FROM, type StartsFrom } from '../../contract/action.ts';
import type { ComputeNode } from '../../contract/node.ts';
import type { ComputeNodeOptions, TraceOptions } from '../../contract/options.ts';
import { storeDir } from '../../contract/paths.ts';
import { kindNames, standardKindOf } from '../../runtime/kinds.ts';
import { LANGUAGES } from '../../runtime/languages.ts';
import { UsageError } from '../errors.ts';
import { collect, integer, parseSize } from '../options.ts';
import { progress } from '../progress.ts';
import { announce, DEFAULT_HOST, DEFAULT_PORT, listen, untilInterrupted } from '../serving.ts';
import { TraceOutput, tracedAction } from '../trace-output.ts';
import { createPackager, withNode } from '../with-node.ts';
import { parseWithout } from '../without.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly cores?: number;
  readonly memory?: number;
  readonly key?: string;
  readonly state?: StartsFrom;
  readonly store: string | false;
  readonly storeSize?: number;
  readonly trace?: readonly string[];
  readonly traceFile?: string;
  readonly traceSize?: number;
  readonly without?: ReturnType<typeof parseWithout>;
  readonly json?: true;
}

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .summary("serve OpenWhisk's REST API")
    .description("Serves OpenWhisk's REST API until Ctrl-C.")
    .option('--host <host>', 'address to listen on', DEFAULT_HOST)
    .option('--port <port>', 'port to listen on; 0 takes a free one', integer(0, 65_535), DEFAULT_PORT)
    .option('--cores <n>', 'cores to run functions on (default: all)', integer(1, availableParallelism()))
    .option(
      '--memory <size>',
      'real memory for contexts, running and idle, and snapshots, like 4G',
      parseSize,
    )
    .option('--key <user:password>', "API key (default: OpenWhisk's guest key, or $SEUSS_KEY)")
    .addOption(
      new Option(
        '--state <state>',
        'what invocations start from if the action has no annotation (default: reuse)',
      ).choices(STARTS_FROM),
    )
    .option('--store <dir>', 'folder that keeps actions and snapshots', storeDir())
    .option('--no-store', 'keep them in memory alone')
    .option('--store-size <size>', 'disk that stored snapshots may take (default: 16G)', parseSize)
    .option(
      '--without <items>',
      'optimisations to leave out, by the names of docs/measurements/start.md',
      parseWithout,
    )
    .option(
      '--trace <action>',
      'print each system call that returns, activation by activation, of this action (NAMESPACE/NAME, or ' +
        'NAME), which runs slower; may be repeated (docs/guides/debugging.md)',
      collect,
    )
    .option('--trace-file <file>', 'where to, at the end of a file (default: stderr)')
    .option('--trace-size <size>', 'how much of each activation (default: 4M)', parseSize)
    .option('--json', 'print {"url", "key"} when ready')
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const key = flags.key ?? process.env.SEUSS_KEY ?? DEFAULT_GUEST_KEY;
  if (!/^[^:]+:.+$/.test(key)) throw new UsageError('The key has the form user:password.');
  const log = pino({ level: 'info' }, pino.destination({ dest: process.stderr.fd, sync: true }));
  const actions = traced(flags);
  if (actions.length === 0) return await serveNode(flags, key, log, undefined);
  const output = await TraceOutput.open(flags.traceFile, (message) => log.warn(message));
  try {
    const { traceSize: maxBytes } = flags;
    const { write } = output;
    await serveNode(flags, key, log, { actions, write, ...(maxBytes !== undefined && { maxBytes }) });
  } finally {
    await output.close();
  }
}

/** Full names of the actions that are traced. */
function traced({ trace = [], traceFile, traceSize }: ServeFlags): string[] {
  if (trace.length === 0 && (traceFile !== undefined || traceSize !== undefined)) {
    throw new UsageError('--trace-file and --trace-size need --trace, which names an action.');
  }
  return trace.map(tracedAction);
}

async function serveNode(
  flags: ServeFlags,
  key: string,
  log: Logger,
  trace: TraceOptions | undefined,
): Promise<void> {
  const options: ComputeNodeOptions = {
    ...(trace !== undefined && { trace }),
    ...(flags.cores !== undefined && { cores: flags.cores }),
    ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
    preboot: LANGUAGES.map(standardKindOf),
    onProgress: progress,
    onFault: (message) => log.warn(message),
    ...flags.without,
    ...(flags.store !== false && {
      store: {
        dir: flags.store,
        ...(flags.storeSize !== undefined && { maxBytes: flags.storeSize }),
        onReport: (level, message) => log[level]({ store: flags.store }, message),
      },
    }),
  };
  await withNode(options, async (node, interrupted) => {
    const packager = createPackager(flags.state, codeDirOf(node));
    const actions = await openActions(node, packager, log);
    for (const action of trace?.actions ?? []) {
      const [namespace = '', name = ''] = action.split('/');
      if (actions.find(namespace, name) === undefined) {
        log.info({ action }, 'no such action yet: it is traced once it is there');
      }
    }
    const { app } = createApi({ node, packager, actions, kinds: kindNames(), key, log: true });
    try {
      await listen(app, flags.host, flags.port);
      announce(app.server.address() as AddressInfo, key, flags.json === true);
      await untilInterrupted(interrupted);
    } finally {
      await app.close();
    }
  });
}

/** In the store, which is this node's alone. */
function codeDirOf(node: ComputeNode): string | undefined {
  const dir = node.stats().store?.dir;
  return dir === undefined ? undefined : join(dir, 'code');
}

/** In files if the node has a store: it then is the only one that uses them. */
async function openActions(node: ComputeNode, packager: Packager, log: Logger): Promise<ActionCatalog> {
  const store = node.stats().store;
  if (store === undefined) return new ActionCatalog(packager);
  const actions = await ActionCatalog.open(packager, new ActionFiles(store.dir), (path, reason) =>
    log.warn({ path }, `an action is left out: ${reason}`),
  );
  log.info(
    { store: store.dir, snapshots: store.snapshots, bytes: store.bytes, actions: actions.size },
    'store opened',
  );
  return actions;
}
