import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DISK_BLOCK_BYTES, eachOf, readText, syncDir } from './files.ts';
import { mismatch, type StoreIdentity } from './identity.ts';
import { MANIFEST_BYTES_MAX, type Manifest, pageFiles, RejectedError, readManifest } from './manifest.ts';
import type { StoreDir } from './store-dir.ts';

/** Files that are read at a time. */
const AT_ONCE = 16;
const MANIFEST_NAME = /^([0-9a-f]{16})\.json$/;
const PAGES_NAME = /^[0-9a-f]{16}-[0-9a-f]{8}\.(plan|layer)$/;

export interface Swept {
  /** Longest unused first. */
  readonly snapshots: readonly Found[];
  /** Why snapshots were removed, with how many for each reason. */
  readonly rejected: ReadonlyMap<string, number>;
  /** Files that no manifest named: of a write that was cut off. */
  readonly leftovers: number;
}

interface Found {
  readonly manifest: Manifest;
  readonly diskBytes: number;
  readonly usedMs: number;
}

/**
 * Reads what a store has, and removes what cannot be used: a store that was swept holds whole
 * snapshots of this host's identity with all their ancestors, and no other file. Contents of page
 * files are checked at their first use.
 */
export async function sweep(dir: StoreDir, identity: StoreIdentity): Promise<Swept> {
  const names = await readdir(dir.snapshots);
  const rejected = new Map<string, number>();
  const reject = (reason: string): void => {
    rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
  };
  const found = new Map<string, Found>();
  await eachOf(names, AT_ONCE, async (name) => {
    const id = MANIFEST_NAME.exec(name)?.[1];
    if (id === undefined) {
      return;
    }
    try {
      found.set(id, await examine(dir, id, identity));
    } catch (error) {
      reject(error instanceof RejectedError ? error.message : 'its files cannot be read');
    }
  });
  dropOrphans(found, reject);
  const leftovers = await removeOthers(dir, names, found);
  const snapshots = [...found.values()].sort((a, b) => a.usedMs - b.usedMs);
  return { snapshots, rejected, leftovers };
}

async function examine(dir: StoreDir, id: string, identity: StoreIdentity): Promise<Found> {
  const path = join(dir.snapshots, `${id}.json`);
  const manifest = readManifest(await readText(path, MANIFEST_BYTES_MAX), dir.key);
  if (manifest.id !== id) {
    throw new RejectedError('its manifest has another name');
  }
  const reason = mismatch(manifest.identity, identity);
  if (reason !== undefined) {
    throw new RejectedError(reason);
  }
  let diskBytes = 0;
  for (const file of pageFiles(manifest)) {
    const status = await lstat(join(dir.snapshots, file.name)).catch(() => undefined);
    if (status === undefined || !status.isFile() || status.size !== file.bytes) {
      throw new RejectedError(
        status === undefined ? 'a page file is missing' : 'a page file has another size',
      );
    }
    diskBytes += status.blocks * DISK_BLOCK_BYTES;
  }
  return { manifest, diskBytes, usedMs: (await lstat(path)).mtimeMs };
}

/** A snapshot is worth nothing without the very bytes that it builds on. */
function dropOrphans(found: Map<string, Found>, reject: (reason: string) => void): void {
  let before: number;
  do {
    before = found.size;
    for (const [id, { manifest }] of found) {
      const { parent } = manifest;
      if (parent !== null && found.get(parent.id)?.manifest.content !== parent.content) {
        found.delete(id);
        reject('what it builds on is gone');
      }
    }
  } while (found.size < before);
}

/** Files of others are left alone. */
async function removeOthers(
  dir: StoreDir,
  names: readonly string[],
  found: ReadonlyMap<string, Found>,
): Promise<number> {
  const wanted = new Set<string>();
  for (const [id, { manifest }] of found) {
    wanted.add(`${id}.json`);
    for (const { name } of pageFiles(manifest)) {
      wanted.add(name);
    }
  }
  const unwanted = names.filter(
    (name) => !wanted.has(name) && (MANIFEST_NAME.test(name) || PAGES_NAME.test(name)),
  );
  await eachOf(unwanted, AT_ONCE, (name) => rm(join(dir.snapshots, name), { force: true, recursive: true }));
  if (unwanted.length > 0) {
    await syncDir(dir.snapshots);
  }
  return unwanted.filter((name) => PAGES_NAME.test(name)).length;
}
