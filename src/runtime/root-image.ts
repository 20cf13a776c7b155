import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { driversDir, imagesDir } from '../contract/paths.ts';
import { dataFolder } from '../files/own-folder.ts';
import type { ImageEntry } from '../image/entries.ts';
import { hostEntry, hostTree } from '../image/host-tree.ts';
import { writeImage } from '../image/write-image.ts';
import type { Kind } from './language.ts';
import { libraryClosure } from './libraries.ts';
import { systemEntries } from './system-files.ts';

export interface RootImage {
  readonly path: string;
  /** SHA-256 over what it holds: part of the identity of every snapshot taken on it. */
  readonly digest: string;
}

/** Raised when the writer lays out the same entries differently. */
const IMAGE_FORMAT = 1;
/** An image that no node has used for this long goes when a newer one of its kind is made. */
const STALE_MS = 60 * 60 * 1000;

/** What trying out a driver leaves behind. */
const DRIVER_OMIT = /(^|\/)(__pycache__|tests?)$/;

async function libraryEntries(
  programs: readonly string[],
  dlopened: readonly string[],
): Promise<ImageEntry[]> {
  const closure = libraryClosure(programs, dlopened);
  const entries: ImageEntry[] = [];
  for (const { path, hostPath } of closure.libraries) {
    const entry = await hostEntry(hostPath, path);
    if (entry !== undefined) {
      entries.push(entry);
    }
  }
  const present = new Set(entries.map(({ path }) => path));
  for (const interpreter of closure.interpreters) {
    const path = join(realpathSync(dirname(interpreter)), interpreter.slice(dirname(interpreter).length));
    if (!present.has(path)) {
      entries.push({ path, mode: 0o777, source: { type: 'symlink', target: realpathSync(interpreter) } });
    }
  }
  return entries;
}

async function entriesOf(kind: Kind): Promise<ImageEntry[]> {
  const { language } = kind;
  const runtime = await language.files(kind);
  const libraries = await libraryEntries(runtime.programs, language.dlopened);
  const driver = await Array.fromAsync(
    hostTree(join(driversDir, language.name), { at: '/seuss', keep: (path) => !DRIVER_OMIT.test(path) }),
  );
  const known = new Set(runtime.entries.map(({ path }) => path));
  return [
    ...systemEntries(),
    ...runtime.entries,
    ...libraries.filter(({ path }) => !known.has(path)),
    ...driver,
  ];
}

/** Files of the host count by size and time, as make(1) does; the rest by content. */
function digestOf(entries: readonly ImageEntry[]): string {
  const hash = createHash('sha256').update(`${IMAGE_FORMAT}\n`);
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, mode, mtimeMs, source } of sorted) {
    const content =
      source.type === 'host-file'
        ? `${source.bytes} ${mtimeMs}`
        : source.type === 'symlink'
          ? source.target
          : source.type === 'bytes'
            ? createHash('sha256').update(source.data).digest('hex')
            : '';
    hash.update(JSON.stringify([path, mode, source.type, content]));
  }
  return hash.digest('hex');
}

/**
 * Removes what matches and has not been used or written for a while: other processes may be at work
 * here too.
 */
async function dropStale(matches: (name: string) => boolean): Promise<void> {
  const dir = imagesDir();
  for (const name of (await readdir(dir)).filter(matches)) {
    const status = await stat(join(dir, name)).catch(() => undefined);
    if (status !== undefined && Date.now() - Math.max(status.atimeMs, status.mtimeMs) > STALE_MS) {
      await rm(join(dir, name), { force: true });
    }
  }
}

/** An image that somebody else could have made, or that is none, counts as absent. */
async function isOurs(path: string): Promise<boolean> {
  const status = await lstat(path).catch(() => undefined);
  return status?.isFile() === true && status.uid === process.geteuid?.();
}

/**
 * The root file system of a kind: interpreter, libraries, driver. Kept in the data folder
 * under a name made of its content, so it is made anew exactly when the host's files changed.
 * @throws PlatformError `runtime_missing`, `images_unsafe`, `disk_full`, `cannot_write`
 */
export async function rootImage(kind: Kind, onProgress?: (message: string) => void): Promise<RootImage> {
  const entries = await entriesOf(kind);
  const digest = digestOf(entries);
  const prefix = `${kind.name.replace(':', '-')}.`;
  const path = join(imagesDir(), `${prefix}${digest.slice(0, 16)}.erofs`);
  await dataFolder(imagesDir(), 0o755, 'images_unsafe');
  // Of a process that was killed while it wrote.
  await dropStale((name) => name.endsWith('.tmp'));
  if (!(await isOurs(path))) {
    onProgress?.(`Building the root image of ${kind.name}`);
    await writeImage(path, entries);
    await dropStale((name) => name.startsWith(prefix) && join(imagesDir(), name) !== path);
  }
  return { path, digest };
}
