import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What cannot be told from the folder of a living process goes after this time. */
const UNKNOWN_MS = 24 * 60 * 60 * 1000;
const NAME = /^([0-9a-f]{8})-(\d+)-(\d+)$/;
const EARLIER_NAME = /^[0-9a-f]{64}\.erofs/;

/** A folder below `parent` that is this process's own. Nobody makes it, or removes it, but its users. */
export function processFolder(parent: string): string {
  return join(parent, `${hostTag()}-${process.pid}-${startOf('self')}`);
}

/**
 * Removes what processes that are gone have left below `parent`, and images of an earlier version,
 * once they are old. Where `parent` is no folder of this user's, nothing is done.
 */
export async function sweepProcessFolders(parent: string): Promise<void> {
  const status = await lstat(parent).catch(() => undefined);
  if (status?.isDirectory() !== true || status.uid !== process.geteuid?.()) return;
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (await isLeft(path, name)) await rm(path, { recursive: true, force: true });
  }
}

async function isLeft(path: string, name: string): Promise<boolean> {
  const [, tag, pid, start] = NAME.exec(name) ?? [];
  if (tag === hostTag()) return startOf(pid as string) !== start;
  if (tag === undefined && !EARLIER_NAME.test(name)) return false;
  const status = await lstat(path).catch(() => undefined);
  return status !== undefined && Date.now() - status.mtimeMs > UNKNOWN_MS;
}

/** This boot of this host, and this pid namespace: where a process id has the same meaning. */
function hostTag(): string {
  return createHash('sha256')
    .update(`${bootOfHost()}${readlinkSync('/proc/self/ns/pid')}`)
    .digest('hex')
    .slice(0, 8);
}

/** Where the host does not show its id, the time of the boot, in seconds. */
function bootOfHost(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    return /^btime \d+$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0] ?? '';
  }
}

/**
 * When a process began, in ticks since the boot: with its id it names one process. Undefined if
 * there is none.
 */
function startOf(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
