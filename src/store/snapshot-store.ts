import { randomBytes } from 'node:crypto';
import { rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import type { StoreOptions } from '../contract/options.ts';
import type { Core, Cores } from '../cores/cores.ts';
import { JsonText } from '../json/json-text.ts';
import { functionDigest, imagePaths, type Snapshot, snapshotOf } from '../snapshot/snapshot.ts';
import type { Hello } from '../tender/replies.ts';
import { isTenderDeath } from '../tender/tender-death.ts';
import { errnoOf } from '../tender/tender-error.ts';
import { errorCode, type Measured, measureFile, syncDir, writeWhole } from './files.ts';
import { identityOf, type StoreIdentity } from './identity.ts';
import {
  finishManifest,
  type Manifest,
  type ManifestContent,
  type PageFile,
  pageFiles,
  RejectedError,
  writeManifest,
} from './manifest.ts';
import { SnapshotIndex } from './snapshot-index.ts';
import { StoreDir } from './store-dir.ts';
import { type Swept, sweep } from './sweep.ts';

/** On disk; `--store-size` sets another bound. */
const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;

const EIO = 5;
const EBADMSG = 74;
const EINVAL = 22;
const ENOENT = 2;
const ESTALE = 116;
/** What the tender says of a file, and not of itself or the host. */
const FILE_ERRORS = new Set([EIO, EBADMSG, EINVAL, ENOENT, ESTALE]);
/** What the system says of this process, and not of a file. */
const OWN_ERRORS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** What becomes of a snapshot out of the store. */
export interface RestoreRequest {
  readonly id: string;
  readonly parent: Snapshot | undefined;
  /** Paths of its images, in window order. */
  readonly images: readonly string[];
  /** Tells its user that the cache gave it up. */
  readonly evicted?: () => void;
}

interface StoreCounts {
  written: number;
  restored: number;
  rejected: number;
}

/** Snapshots in files: their names, checksums and identity. The tenders write and map the files. */
export class SnapshotStore {
  readonly counts: StoreCounts = { written: 0, restored: 0, rejected: 0 };
  readonly maxBytes: number;
  readonly #dir: StoreDir;
  readonly #identity: StoreIdentity;
  readonly #index = new SnapshotIndex();
  readonly #report: NonNullable<StoreOptions['onReport']>;
  /** Being read or built upon: not to be removed for the sake of room. */
  readonly #busy = new Set<string>();

  /** @throws PlatformError `store_in_use`, `store_unsafe`, `store_failed`; an error of the file system */
  static async open(options: StoreOptions, hello: Hello): Promise<SnapshotStore> {
    const dir = await StoreDir.open(options.dir);
    try {
      const store = new SnapshotStore(dir, identityOf(hello), options);
      store.#take(await sweep(dir, store.#identity));
      await store.#enforce();
      return store;
    } catch (error) {
      await dir.close();
      throw error;
    }
  }

  private constructor(dir: StoreDir, identity: StoreIdentity, { maxBytes, onReport }: StoreOptions) {
    this.#dir = dir;
    this.#identity = identity;
    this.maxBytes = maxBytes ?? DEFAULT_MAX_BYTES;
    this.#report = onReport ?? (() => undefined);
  }

  get dir(): string {
    return this.#dir.path;
  }

  get count(): number {
    return this.#index.count;
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  has(id: string): boolean {
    return this.#index.get(id) !== undefined;
  }

  /** Stored snapshots that build directly on this one. */
  childrenOf(id: string): Manifest[] {
    return this.#index.childrenOf(id);
  }

  /**
   * Gives every tender a stored snapshot. Undefined if there is none, or it cannot be used; then it
   * is gone, and why is reported.
   * @throws PlatformError when its tender died
   */
  async restore(
    request: RestoreRequest,
    cores: Cores,
    core: Core,
  ): Promise<{ readonly snapshot: Snapshot; readonly manifest: Manifest } | undefined> {
    const manifest = this.#index.get(request.id);
    if (manifest === undefined) {
      return undefined;
    }
    this.#busy.add(manifest.id);
    try {
      await this.#verify(manifest, request);
      const snapshot = await this.#load(manifest, request, cores, core);
      this.counts.restored += 1;
      this.#touch(manifest.id);
      return { snapshot, manifest };
    } catch (error) {
      if (isTenderDeath(error)) {
        throw error;
      }
      await this.#refused(manifest, error);
      return undefined;
    } finally {
      this.#busy.delete(manifest.id);
    }
  }

  /**
   * Writes a snapshot's files, in place of those of an earlier one of its id. False when its
   * parent, as it was captured, is not in the store.
   */
  async write(snapshot: Snapshot, core: Core): Promise<boolean> {
    const { parent } = snapshot;
    if (parent !== undefined && (parent.stored === undefined || !this.#holds(parent.id, parent.stored))) {
      return false;
    }
    const temporary = this.#dir.temporary();
    try {
      const { layerBytes } = await core.tender.store(snapshot.number, temporary);
      const manifest = await this.#publish(snapshot, temporary, layerBytes);
      snapshot.stored = manifest.content;
    } finally {
      await remove([`${temporary}.plan`, `${temporary}.layer`]);
    }
    this.counts.written += 1;
    await this.#enforce();
    return true;
  }

  /** Removes a snapshot and those built on it; files only while the folder is ours: others use these ids. */
  async remove(id: string): Promise<void> {
    for (const each of this.#index.tree(id)) {
      const manifest = this.#index.remove(each);
      if (manifest !== undefined && (await this.isOurs())) {
        // First what makes the others count.
        await remove([join(this.#dir.snapshots, `${each}.json`)]);
        await remove(this.#paths(manifest));
      }
    }
  }

  /** Removes the snapshots of a function that was updated or deleted. */
  async removeFunction(digest: string): Promise<void> {
    for (const id of this.#index.ofFunction(digest)) {
      await this.remove(id);
    }
  }

  /** Of a runtime's snapshots only that one can be used any more. */
  async keepRuntime(kind: string, id: string): Promise<void> {
    const others = [...this.#index.values()].filter(
      (manifest) => manifest.kind === 'runtime' && manifest.of === kind && manifest.id !== id,
    );
    for (const other of others) {
      const count = this.#index.tree(other.id).length;
      this.#report(
        'info',
        `${count} stored snapshots of ${kind} are removed: its image or start has changed`,
      );
      this.counts.rejected += count;
      await this.remove(other.id);
    }
  }

  /** False when the folder was removed or replaced meanwhile. */
  async isOurs(): Promise<boolean> {
    return await this.#dir.isOurs();
  }

  async close(): Promise<void> {
    await this.#dir.close();
  }

  #take({ snapshots, rejected, leftovers }: Swept): void {
    for (const { manifest, diskBytes } of snapshots) {
      this.#index.add(manifest, diskBytes);
    }
    for (const [reason, count] of rejected) {
      this.counts.rejected += count;
      this.#report('warn', `${count} stored ${count === 1 ? 'snapshot' : 'snapshots'} removed: ${reason}`);
    }
    if (leftovers > 0) {
      this.#report('info', `${leftovers} page files that no snapshot uses were removed from the store`);
    }
  }

  #holds(id: string, content: string): boolean {
    return this.#index.get(id)?.content === content;
  }

  async #verify(manifest: Manifest, { parent, images }: RestoreRequest): Promise<void> {
    if ((manifest.parent?.content ?? undefined) !== parent?.stored || manifest.parent?.id !== parent?.id) {
      throw new RejectedError('what it builds on has changed');
    }
    const present = await Promise.all(images.map(describeImage));
    if (JSON.stringify(present) !== JSON.stringify(manifest.images)) {
      throw new RejectedError('its images have changed');
    }
    await Promise.all(
      pageFiles(manifest).map(async (file) => {
        const { bytes, checksum } = await measureFile(join(this.#dir.snapshots, file.name));
        if (bytes !== file.bytes || checksum !== file.checksum) {
          throw new RejectedError('a page file is damaged');
        }
      }),
    );
  }

  /** The code's images are opened for this alone: the snapshot keeps them. */
  async #load(manifest: Manifest, request: RestoreRequest, cores: Cores, core: Core): Promise<Snapshot> {
    const { parent, images, evicted } = request;
    const [root, ...code] = images as [string, ...string[]];
    const rootImage = await cores.openImage(root);
    if (parent?.lost === true) {
      throw new PlatformError('tender_died', 'the tenders that had its parent died');
    }
    const own = code.map((path) => ({ path, image: cores.nextImage() }));
    const number = cores.nextSnapshot();
    const { tender } = core;
    const opened = own.map(({ path, image }) => tender.openImage(image, path));
    const loaded = tender.load(
      {
        snapshot: number,
        parent: parent?.number ?? 0,
        images: [rootImage, ...own.map(({ image }) => image)],
      },
      join(this.#dir.snapshots, manifest.plan.name.slice(0, -'.plan'.length)),
    );
    const dropped = own.map(({ image }) => tender.dropImage(image));
    const [captured] = await Promise.all([loaded, ...opened, ...dropped]);
    const { form, ownBytes, ownPages } = await tender.inspect(number);
    return snapshotOf({
      number,
      id: manifest.id,
      kind: manifest.kind,
      parent,
      of: manifest.of,
      imagePaths: images,
      captured: { ...captured, ...manifest.captured },
      ...(form === 'words' && { compacted: { bytes: ownBytes, pages: ownPages } }),
      createdMs: manifest.createdMs,
      savedMs: manifest.savedMs,
      stored: manifest.content,
      ...(manifest.digest !== null && { digest: manifest.digest }),
      ...(manifest.fixed !== null && { fixed: JsonText.parse(manifest.fixed) }),
      ...(manifest.interpreter !== null && { interpreter: manifest.interpreter }),
      ...(evicted !== undefined && { evicted }),
    });
  }

  /** Only what is wrong with the files speaks against them. */
  async #refused(manifest: Manifest, error: unknown): Promise<void> {
    const ofTender = error instanceof PlatformError;
    if (ofTender ? !FILE_ERRORS.has(errnoOf(error)) : OWN_ERRORS.has(errorCode(error))) {
      this.#report(
        'warn',
        `the stored snapshot ${manifest.id} of ${manifest.of} cannot be loaded now: ${error}`,
      );
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    this.#report(
      'warn',
      `the stored snapshot ${manifest.id} of ${manifest.of} is not used and removed: ${reason}`,
    );
    this.counts.rejected += 1;
    await this.remove(manifest.id).catch(() => undefined);
  }

  /** Page files first, the manifest that makes them count last. */
  async #publish(snapshot: Snapshot, temporary: string, layerBytes: number): Promise<Manifest> {
    const base = `${snapshot.id}-${randomBytes(4).toString('hex')}`;
    const measured = await measureFile(`${temporary}.plan`);
    const plan = pageFile(`${base}.plan`, measured);
    const ofLayer = layerBytes === 0 ? undefined : await measureFile(`${temporary}.layer`);
    const layer = ofLayer === undefined ? null : pageFile(`${base}.layer`, ofLayer);
    const diskBytes = measured.diskBytes + (ofLayer?.diskBytes ?? 0);
    const manifest = finishManifest(await this.#describe(snapshot, plan, layer));
    const { snapshots } = this.#dir;
    try {
      await rename(`${temporary}.plan`, join(snapshots, plan.name));
      if (layer !== null) {
        await rename(`${temporary}.layer`, join(snapshots, layer.name));
      }
      await syncDir(snapshots);
      const text = writeManifest(manifest, this.#dir.key);
      await writeWhole(`${temporary}.json`, join(snapshots, `${manifest.id}.json`), text);
    } catch (error) {
      await remove(this.#paths(manifest)).catch(() => undefined);
      throw error;
    }
    await syncDir(snapshots);
    await this.#replace(manifest, diskBytes);
    return manifest;
  }

  async #describe(snapshot: Snapshot, plan: PageFile, layer: PageFile | null): Promise<ManifestContent> {
    const { id, kind, parent, of, captured, savedMs, createdMs } = snapshot;
    const { ownPages, sharedPages, maps, runs } = captured;
    return {
      id,
      kind,
      of,
      digest: functionDigest(snapshot) ?? null,
      parent: parent?.stored === undefined ? null : { id: parent.id, content: parent.stored },
      identity: this.#identity,
      images: await Promise.all(imagePaths(snapshot).map(describeImage)),
      plan,
      layer,
      interpreter: snapshot.interpreter ?? null,
      fixed: snapshot.fixed?.text ?? null,
      captured: { ownPages, sharedPages, maps, runs },
      savedMs,
      createdMs,
    };
  }

  /** What built on an earlier snapshot of that id cannot be used any more. */
  async #replace(manifest: Manifest, diskBytes: number): Promise<void> {
    const before = this.#index.get(manifest.id);
    if (before !== undefined) {
      const [, ...descendants] = this.#index.tree(manifest.id).reverse();
      for (const id of descendants) {
        await this.remove(id);
      }
      this.#index.remove(manifest.id);
      await remove(this.#paths(before));
    }
    this.#index.add(manifest, diskBytes);
  }

  /** The longest unused go, children before their parents. */
  async #enforce(): Promise<void> {
    while (this.#index.bytes > this.maxBytes) {
      const victim = this.#index.oldestLeaf(this.#busy);
      if (victim === undefined) {
        return;
      }
      await this.remove(victim);
    }
  }

  /** The order of use outlasts the process as the time of the manifest. */
  #touch(id: string): void {
    this.#index.touch(id);
    const now = new Date();
    utimes(join(this.#dir.snapshots, `${id}.json`), now, now).catch(() => undefined);
  }

  #paths(manifest: Manifest): string[] {
    return pageFiles(manifest).map(({ name }) => join(this.#dir.snapshots, name));
  }
}

async function describeImage(path: string): Promise<{ name: string; bytes: number }> {
  return { name: basename(path), bytes: (await stat(path)).size };
}

function pageFile(name: string, { bytes, checksum }: Measured): PageFile {
  return { name, bytes, checksum };
}

async function remove(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
