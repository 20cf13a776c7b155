/** Tenders without a node: programs are booted, captured and deployed by the control protocol alone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlatformError } from '../../src/contract/errors.ts';
import { libosPath, tenderPath } from '../../src/contract/paths.ts';
import { hostEntry } from '../../src/image/host-tree.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';
import { rootImage } from '../../src/runtime/root-image.ts';
import { systemEntries } from '../../src/runtime/system-files.ts';
import { Link } from '../../src/tender/abi.gen.ts';
import { type Captured, type ControlExit, decodeLinkExit } from '../../src/tender/replies.ts';
import type { Tender, UcListener } from '../../src/tender/tender.ts';
import { errnoOf } from '../../src/tender/tender-error.ts';
import { TenderGroup } from '../../src/tender/tender-group.ts';
import { type GuestExit, type UcEnd, ucEndOf } from '../../src/uc/uc-end.ts';
import { BUSY_ENV, type BusyProgram, builtProgram, C_PROGRAMS, C_ROOT } from './programs.ts';

const CORES = 2;
const MEMORY_BYTES = 512 * 1024 * 1024;

/** A snapshot and how much its UC had written when it was stopped for it. */
export interface Cut {
  readonly number: number;
  readonly bytes: number;
  readonly captured: Captured;
}

/** A program in a UC: what it has written, and its end. */
export class Run implements UcListener {
  readonly id: number;
  readonly tender: Tender;
  readonly ended: Promise<UcEnd>;
  readonly #end: (end: UcEnd) => void;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  #bytes = 0;
  #cutAt = 0;
  #exit: GuestExit | undefined;
  #panic: string | undefined;
  over = false;

  constructor(id: number, tender: Tender) {
    const { promise, resolve } = Promise.withResolvers<UcEnd>();
    this.id = id;
    this.tender = tender;
    this.ended = promise;
    this.#end = resolve;
  }

  get output(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  onLink(type: number, payload: Buffer): void {
    if (type === Link.exit) this.#exit = decodeLinkExit(payload);
    else if (type === Link.panic) this.#panic = payload.toString('utf8');
    else {
      // What it says on stderr is no part of any program's output here: it shows what went wrong.
      this.#chunks.push(Buffer.from(payload));
      this.#bytes += payload.length;
      this.#wake();
    }
  }

  /** Resolves when it has written so many bytes, or is over. */
  written(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ bytes, resolve });
      this.#wake();
    });
  }

  #wake(): void {
    for (const waiter of this.#waiting) {
      if (!this.over && this.#bytes < waiter.bytes) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  onCut(): void {
    this.#cutAt = this.#bytes;
  }

  onExit(exit: ControlExit): void {
    this.over = true;
    this.#wake();
    this.#end(ucEndOf(exit, this.#exit, this.#panic));
  }

  onLost(error: PlatformError): void {
    this.over = true;
    this.#wake();
    this.#end({ type: 'lost', error });
  }

  /** Captures it at this instant; it runs on. Undefined when it has come to its end instead. */
  async capture(number: number): Promise<Cut | undefined> {
    try {
      const captured = await this.tender.captureLive(this.id, number);
      return { number, bytes: this.#cutAt, captured };
    } catch (error) {
      if (this.over || errnoOf(error) === constants.errno.ESRCH) return undefined;
      throw error;
    }
  }
}

export class Machine {
  readonly #host: TenderGroup;
  readonly #images = new Map<string, Promise<number>>();
  readonly #folder: string;
  #lastUc = 0;
  #lastSnapshot = 0;

  private constructor(host: TenderGroup, folder: string) {
    this.#host = host;
    this.#folder = folder;
  }

  static async start(): Promise<Machine> {
    const host = await TenderGroup.start({
      tenderPath,
      libosPath,
      cores: CORES,
      bindNode: false,
      without: [],
    });
    return new Machine(host, await mkdtemp(join(tmpdir(), 'seuss-captures-')));
  }

  async close(): Promise<void> {
    await this.#host.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  tender(index: number): Tender {
    return this.#host.tenders[index % CORES] as Tender;
  }

  nextSnapshot(): number {
    return ++this.#lastSnapshot;
  }

  async boot(program: BusyProgram, core: number): Promise<Run> {
    const image = await this.#image(program.root);
    const run = this.#newRun(core);
    await run.tender.boot(run.id, run, {
      memoryLimitBytes: MEMORY_BYTES,
      images: [image],
      root: { type: 'image' },
      trace: false,
      stdinLink: false,
      argv: program.argv,
      env: BUSY_ENV,
      cwd: '/',
    });
    return run;
  }

  async deploy(snapshot: number, core: number): Promise<Run> {
    const run = this.#newRun(core);
    await run.tender.deploy(run.id, run, snapshot, MEMORY_BYTES);
    return run;
  }

  async drop(snapshot: number): Promise<void> {
    await Promise.all(this.#host.tenders.map((tender) => tender.drop(snapshot)));
  }

  #newRun(core: number): Run {
    return new Run(++this.#lastUc, this.tender(core));
  }

  #image(root: string): Promise<number> {
    const image = this.#images.get(root) ?? this.#openImage(root, this.#images.size + 1);
    this.#images.set(root, image);
    return image;
  }

  async #openImage(root: string, number: number): Promise<number> {
    const path = root === C_ROOT ? await this.#writeImage() : (await rootImage(resolveKind(root))).path;
    await Promise.all(this.#host.tenders.map((tender) => tender.openImage(number, path)));
    return number;
  }

  async #writeImage(): Promise<string> {
    const path = join(this.#folder, 'c.erofs');
    const programs = await Promise.all(C_PROGRAMS.map((name) => hostEntry(builtProgram(name), `/${name}`)));
    await writeImage(path, [...systemEntries(), ...programs.filter((entry) => entry !== undefined)]);
    return path;
  }
}
