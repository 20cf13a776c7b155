import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '../../contract/errors.ts';
import { type Core, type Cores, leastLoaded } from '../../cores/cores.ts';
import { DRIVER_VERSION } from '../../runtime/driver-version.ts';
import { type Anticipate, type InterpreterCommand, interpreterCommand } from '../../runtime/interpreter.ts';
import { resolveKind } from '../../runtime/kinds.ts';
import type { Kind } from '../../runtime/language.ts';
import { type RootImage, rootImage } from '../../runtime/root-image.ts';
import { type Snapshot, snapshotId, snapshotOf } from '../../snapshot/snapshot.ts';
import type { SnapshotCache } from '../../snapshot/snapshot-cache.ts';
import { isTenderDeath } from '../../tender/tender-death.ts';
import { exchange, type Reply } from '../../uc/exchange.ts';
import { LogCollector } from '../../uc/log-collector.ts';
import { Uc, type UcOwner } from '../../uc/uc.ts';
import { describeEnd } from '../../uc/uc-end.ts';
import type { Persistence } from '../background/persistence.ts';
import type { Runtime } from '../function/runtime.ts';

/** What a runtime is booted from. */
interface Source {
  readonly image: RootImage;
  readonly command: InterpreterCommand;
  readonly id: string;
}

/** As often a boot is begun whose tender dies meanwhile. */
const BOOTS_MAX = 3;
/** A boot takes half a second; a busy host may take ten times that. */
const BOOT_TIMEOUT_MS = 60_000;
/** Interpreters reserve by the memory they see; each deploy sets the function's own limit. */
const BOOT_MEMORY_BYTES = 512 * 1024 * 1024;
/**
 * Longer than the short timers that an interpreter sets for itself: with `booted` the clocks jump,
 * and they ring.
 */
const CLOCKS_BEHIND_S = 2;
/** From `booted` to the driver's next read, where it parks; that is where clones should start. */
const PARK_MS = 20;
/** What an interpreter may say while it boots, for the report when that fails. */
const LOG_BYTES = 64 * 1024;
const LINE_BYTES = 4096;

const NOBODY: UcOwner = { ucEnded: () => undefined };

/** Boots each kind once, on first use, or takes it from the store, and keeps its snapshot. */
export class Runtimes {
  readonly #cores: Cores;
  readonly #snapshots: SnapshotCache;
  readonly #persistence: Persistence;
  readonly #anticipate: Anticipate;
  readonly #hugePages: boolean;
  readonly #onProgress: (message: string) => void;
  readonly #booted = new Map<string, Promise<Runtime>>();
  readonly #ready = new Map<string, Runtime>();
  readonly #sources = new Map<string, Source>();
  /** Runtimes that were lost, with who is to be told when they are back. */
  readonly #back = new Map<Runtime, () => void>();

  /** Cores where an interpreter boots at present, once for each. */
  readonly #booting: Core[] = [];

  constructor(
    cores: Cores,
    snapshots: SnapshotCache,
    persistence: Persistence,
    options: {
      readonly anticipate: Anticipate;
      readonly hugePages: boolean;
      readonly onProgress: (message: string) => void;
    },
  ) {
    this.#cores = cores;
    this.#snapshots = snapshots;
    this.#persistence = persistence;
    this.#anticipate = options.anticipate;
    this.#hugePages = options.hugePages;
    this.#onProgress = options.onProgress;
  }

  /** How many interpreters boot on a core. */
  bootsOn(core: Core): number {
    return this.#booting.filter((each) => each === core).length;
  }

  /** @throws PlatformError `unknown_kind`, `runtime_missing`, `boot_failed`, `driver_version` */
  get(kindName: string): Promise<Runtime> {
    const kind = resolveKind(kindName);
    let booted = this.#booted.get(kind.name);
    if (booted === undefined) {
      booted = this.#first(kind);
      this.#booted.set(kind.name, booted);
      booted.then(
        (runtime) => this.#ready.set(kind.name, runtime),
        () => this.#booted.delete(kind.name),
      );
    }
    return booted;
  }

  /** No tender has the runtimes any more: until `recover` starts from them have to wait. */
  lose(): void {
    for (const runtime of this.#ready.values()) {
      if (runtime.coming === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        runtime.coming = promise;
        this.#back.set(runtime, resolve);
      }
    }
  }

  /**
   * Brings back the runtimes that were lost, all at once.
   * @throws PlatformError
   */
  async recover(onBack: (runtime: Runtime) => void): Promise<void> {
    const recovered = await Promise.allSettled(
      Array.from(this.#back, async ([runtime, resolve]) => {
        const { version, snapshot } = await this.#make(runtime.kind);
        Object.assign(runtime, { version, snapshot, coming: undefined });
        this.#back.delete(runtime);
        resolve();
        onBack(runtime);
      }),
    );
    for (const outcome of recovered) {
      if (outcome.status === 'rejected') {
        throw outcome.reason;
      }
    }
  }

  /** A death of the tender that boots it is no reason to fail: another one follows. */
  async #first(kind: Kind): Promise<Runtime> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#make(kind);
      } catch (error) {
        if (attempt === BOOTS_MAX || !isTenderDeath(error)) {
          throw error;
        }
        await this.#cores.someUp();
      }
    }
  }

  async #make(kind: Kind): Promise<Runtime> {
    const started = performance.now();
    const source = await this.#source(kind);
    const { id, image } = source;
    await this.#cores.openImage(image.path, this.#hugePages && kind.language.hugePages);
    await this.#persistence.keepRuntime(kind.name, id);
    const runtime = (await this.#restore(kind, id, image.path)) ?? (await this.#boot(kind, source, started));
    this.#snapshots.add(runtime.snapshot);
    return runtime;
  }

  /** A runtime that is brought back is made of the same, whatever has become of the host's interpreter. */
  async #source(kind: Kind): Promise<Source> {
    const known = this.#sources.get(kind.name);
    if (known !== undefined && existsSync(known.image.path)) {
      return known;
    }
    const image = await rootImage(kind, this.#onProgress);
    const command = interpreterCommand(kind, this.#anticipate);
    const { argv, env } = command;
    const id = snapshotId([...this.#cores.identity, image.digest, ...argv, JSON.stringify(env)]);
    const source: Source = { image, command, id };
    this.#sources.set(kind.name, source);
    return source;
  }

  async #restore(kind: Kind, id: string, image: string): Promise<Runtime | undefined> {
    const restored = await this.#persistence.restore(
      { id, parent: undefined, images: [image] },
      leastLoaded(this.#cores.all),
    );
    const version = restored?.manifest.interpreter ?? undefined;
    if (restored === undefined || version === undefined) {
      return undefined;
    }
    this.#onProgress(`Restored ${kind.name}`);
    return { kind, version, snapshot: restored.snapshot, coming: undefined };
  }

  async #boot(kind: Kind, source: Source, started: number): Promise<Runtime> {
    this.#onProgress(`Booting ${kind.name}`);
    const core = leastLoaded(this.#cores.all);
    core.starting += 1;
    this.#booting.push(core);
    try {
      return await this.#bootOn(core, kind, source, started);
    } finally {
      core.starting -= 1;
      this.#booting.splice(this.#booting.indexOf(core), 1);
    }
  }

  async #bootOn(core: Core, kind: Kind, { id, image, command }: Source, started: number): Promise<Runtime> {
    const { argv, env, cwd } = command;
    const uc = new Uc(this.#cores.nextUc(), core.tender, NOBODY);
    const logs = new LogCollector(LOG_BYTES);
    const answered = exchange(uc, undefined, { timeoutMs: BOOT_TIMEOUT_MS, maxLineBytes: LINE_BYTES, logs });
    try {
      await core.tender.boot(uc.id, uc, {
        memoryLimitBytes: BOOT_MEMORY_BYTES,
        images: [await this.#cores.openImage(image.path)],
        root: { type: 'image' },
        trace: false,
        stdinLink: false,
        clocksBehindS: CLOCKS_BEHIND_S,
        argv,
        env,
        cwd,
      });
      const version = bootedVersion(kind, await answered, logs);
      await sleep(PARK_MS);
      const number = this.#cores.nextSnapshot();
      const captured = await core.tender.capture(uc.id, number, false);
      const savedMs = performance.now() - started;
      const snapshot: Snapshot = snapshotOf({
        number,
        id,
        kind: 'runtime',
        parent: undefined,
        of: kind.name,
        interpreter: version,
        captured,
        imagePaths: [image.path],
        savedMs,
      });
      return { kind, version, snapshot, coming: undefined };
    } catch (error) {
      uc.fail(error);
      await answered;
      await uc.kill().catch(() => undefined);
      throw error;
    }
  }
}

/** What a driver says of the protocol is looked at once, for all that starts from its snapshot. */
function checkProtocol(kind: Kind, protocol: number | undefined): void {
  if (protocol !== DRIVER_VERSION) {
    const speaks = protocol === undefined ? 'names no version' : `speaks version ${protocol}`;
    throw new PlatformError(
      'driver_version',
      `the driver of ${kind.name} ${speaks} of the driver protocol, ` +
        `the node speaks version ${DRIVER_VERSION}`,
      { remedy: 'install Seuss anew: its folders drivers/ and src/ are of two versions' },
    );
  }
}

function bootedVersion(kind: Kind, reply: Reply, logs: LogCollector): string {
  const answer = reply.type === 'answer' ? reply.answer : undefined;
  if (answer?.op === 'booted') {
    checkProtocol(kind, answer.protocol);
    return answer.version;
  }
  if (reply.type === 'ended' && reply.end.type === 'lost') {
    throw reply.end.error;
  }
  const why = reply.type === 'ended' ? describeEnd(reply.end) : `it answered with ${reply.type}`;
  const said = logs
    .finish()
    .lines()
    .map(({ line }) => line);
  throw new PlatformError('boot_failed', [`${kind.name} did not boot: ${why}`, ...said].join('\n'));
}
