import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageEntry } from './entries.ts';

interface HostTreeOptions {
  /** Image path that the host folder appears at. */
  readonly at: string;
  /**
   * Return false to leave out an entry (and what lies below it). The path is relative, without a
   * leading slash.
   */
  readonly keep?: (relativePath: string) => boolean;
}

/** Entry of one host file, link or folder (not what is in it); undefined for sockets, devices, FIFOs. */
export async function hostEntry(hostPath: string, path: string): Promise<ImageEntry | undefined> {
  const status = await lstat(hostPath);
  const common = { path, mode: status.mode & 0o7777, mtimeMs: Math.floor(status.mtimeMs) };
  if (status.isFile()) {
    return { ...common, source: { type: 'host-file', hostPath, bytes: status.size } };
  }
  if (status.isDirectory()) {
    return { ...common, source: { type: 'directory' } };
  }
  if (status.isSymbolicLink()) {
    return { ...common, source: { type: 'symlink', target: await readlink(hostPath) } };
  }
  return undefined;
}

/** Everything below a host folder, the folder itself included. Links are kept as links. */
export async function* hostTree(hostDir: string, options: HostTreeOptions): AsyncGenerator<ImageEntry> {
  const pending = [''];
  for (let relative = pending.pop(); relative !== undefined; relative = pending.pop()) {
    const entry = await hostEntry(join(hostDir, relative), join(options.at, relative));
    if (entry === undefined) {
      continue;
    }
    yield entry;
    if (entry.source.type === 'directory') {
      for (const name of await readdir(join(hostDir, relative))) {
        const child = relative === '' ? name : `${relative}/${name}`;
        if (options.keep?.(child) ?? true) {
          pending.push(child);
        }
      }
    }
  }
}
