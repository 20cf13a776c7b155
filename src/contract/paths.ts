import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder; the same for `src/` and for the published `dist/`. */
export const packageDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const tenderPath = join(packageDir, 'build/tender/seuss-tender');
export const libosPath = join(packageDir, 'build/libos/libos.elf');
export const driversDir = join(packageDir, 'drivers');

/** Where images and installed runtimes live: $SEUSS_HOME, else XDG's data folder. */
export function dataDir(): string {
  const own = process.env.SEUSS_HOME;
  if (own) {
    return own;
  }
  const xdg = process.env.XDG_DATA_HOME;
  return join(xdg || join(homedir(), '.local/share'), 'seuss');
}

/** Where `seuss serve` keeps its actions and snapshots. */
export function storeDir(): string {
  return join(dataDir(), 'store');
}

export function imagesDir(): string {
  return join(dataDir(), 'images');
}

export function runtimesDir(): string {
  return join(dataDir(), 'runtimes');
}
