import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BootRoot, HostMount } from '../../tender/requests.ts';
import { describeEnd, type UcEnd } from '../../uc/uc-end.ts';
import { UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { collect, parseSize } from '../options.ts';
import { warn } from '../progress.ts';
import { runProgram } from '../run-program.ts';

interface RunFlags {
  readonly root?: string;
  readonly mount?: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly memory: number;
  readonly trace?: true;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3;
/** First bytes of an EROFS superblock, and where it lies (linux/Documentation/filesystems/erofs.rst). */
const EROFS_MAGIC = 0xe0f5e1e2;
const EROFS_SUPER_OFFSET = 1024;

export function runCommand(program: Command): void {
  program
    .command('run')
    .passThroughOptions()
    .summary('run any Linux program in a unikernel context')
    .description(
      'Boots a Linux program on the library OS, in a unikernel context of its own, with stdin, ' +
        "stdout, stderr and exit status connected. Its root is the host's /, read-only; /tmp is its " +
        "own: what a program needs from the host's /tmp, show it with --mount elsewhere. Files are read " +
        'with the rights of who runs seuss: as root a program can read all that is below --root and ' +
        '--mount, /etc/shadow included.',
    )
    .argument('<program...>', 'program and its arguments')
    .option(
      '--root <image|dir>',
      "root: an EROFS image or a host folder, read with the caller's rights (default: /)",
    )
    .option('--mount <hostdir:guestdir>', 'show a host folder at another place, read-only', collect)
    .option('--env <name=value>', 'set a variable, or with NAME alone pass on the own one', collect)
    .option('--cwd <dir>', "working directory in the guest (default: the caller's, or / from within /tmp)")
    .option('--memory <size>', 'memory limit', parseSize, DEFAULT_MEMORY_BYTES)
    .option('--trace', 'print each system call, and at the end those that are unknown, to stderr')
    .addHelpText(
      'after',
      '\nExit status: that of the program; 128+N if signal N killed it; 2 wrong usage; 3 the platform ' +
        'failed.',
    )
    .action(async (words: string[], flags: RunFlags) => {
      process.exitCode = await run(words, flags);
    });
}

async function run(words: readonly string[], flags: RunFlags): Promise<number> {
  const rootPath = resolve(flags.root ?? '/');
  if (!existsSync(rootPath)) throw new UsageError(`There is no ${rootPath}.`);
  if (flags.root === undefined) warnRoot();
  const root = await rootOf(rootPath, flags.mount ?? []);
  const env = { ...standardEnvironment(), ...parseEnvironment(flags.env ?? []) };
  const end = await runProgram({
    root,
    ...(root.type === 'image' && { imagePath: rootPath }),
    argv: [findProgram(words[0] as string, root, env.PATH ?? PATH), ...words.slice(1)],
    env,
    cwd: flags.cwd ?? defaultDirectory(rootPath),
    memoryBytes: flags.memory,
    trace: flags.trace === true,
  });
  return exitStatus(end);
}

/** Who names a root knows what it shows. Not into a pipe: there stderr is the program's. */
function warnRoot(): void {
  if (process.geteuid?.() !== 0 || !process.stderr.isTTY) return;
  warn(
    'the program can read every file of this host, as root. Show it less with --root, or run it as ' +
      'another user.',
  );
}

/** The caller's, where the guest sees it: it has a /tmp of its own. */
function defaultDirectory(rootPath: string): string {
  const here = process.cwd();
  return rootPath === '/' && !`${here}/`.startsWith('/tmp/') ? here : '/';
}

function exitStatus(end: UcEnd): number {
  if (end.type === 'exited') return end.status;
  if (end.type === 'signalled') return EXIT.signalBase + end.signal;
  console.error(`seuss: ${describeEnd(end)}`);
  return EXIT.platform;
}

async function rootOf(path: string, mounts: readonly string[]): Promise<BootRoot> {
  if (!statSync(path).isDirectory()) {
    if (!(await isErofs(path))) throw new UsageError(`${path} is neither a folder nor an EROFS image.`);
    if (mounts.length > 0) throw new UsageError('--mount needs a root that is a host folder.');
    return { type: 'image' };
  }
  return { type: 'host', mounts: [{ guestDir: '/', hostDir: path }, ...mounts.map(parseMount)] };
}

function parseMount(text: string): HostMount {
  const colon = text.lastIndexOf(':');
  const [hostDir, guestDir] = [resolve(text.slice(0, colon)), text.slice(colon + 1)];
  if (colon <= 0 || !isAbsolute(guestDir)) {
    throw new UsageError(`--mount takes HOSTDIR:GUESTDIR with an absolute GUESTDIR, not ${text}.`);
  }
  if (!existsSync(hostDir)) throw new UsageError(`--mount names ${hostDir}, which does not exist.`);
  return { hostDir, guestDir };
}

async function isErofs(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, EROFS_SUPER_OFFSET);
    return bytesRead === 4 && buffer.readUInt32LE() === EROFS_MAGIC;
  } finally {
    await file.close();
  }
}

function standardEnvironment(): Record<string, string> {
  const { TERM, HOME } = process.env;
  return { PATH, LANG: 'C.UTF-8', HOME: HOME ?? '/', ...(TERM !== undefined && { TERM }) };
}

function parseEnvironment(words: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? process.env[name] : word.slice(equals + 1);
    if (name === '') throw new UsageError(`--env takes NAME=VALUE, not ${word}.`);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** A bare name is looked up in the guest's PATH, as far as its root lies on the host. */
function findProgram(name: string, root: BootRoot, path: string): string {
  if (name.includes('/') || root.type === 'image') return name;
  const rootDir = root.mounts[0]?.hostDir ?? '/';
  const dir = path.split(':').find((candidate) => existsSync(join(rootDir, candidate, name)));
  if (dir === undefined) throw new UsageError(`There is no program ${name} in ${path}.`);
  return `${dir}/${name}`;
}
