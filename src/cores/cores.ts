import { PlatformError } from '../contract/errors.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Tender } from '../tender/tender.ts';
import { errnoOf } from '../tender/tender-error.ts';
import { TenderGroup } from '../tender/tender-group.ts';
import type { TenderProcessOptions } from '../tender/tender-process.ts';

/** A core, its tender, and what runs there now. A UC stays on its core, and ends with its tender. */
export interface Core {
  readonly index: number;
  /** Another one after each death. */
  tender: Tender;
  /** Its tender can be asked. */
  up: boolean;
  /** Its tender knows all snapshots; one that has taken another's place gets them one by one. */
  complete: boolean;
  /** An invocation was answered there since that was asked last. */
  answered: boolean;
  /** UCs that are being deployed or load their code. */
  starting: number;
  /** UCs that work on an invocation, those that start included. */
  active: number;
  /** UCs that were killed and whose processes are not gone yet, which costs as much as half a start. */
  ending: number;
}

/** An image that every tender has under one number. */
interface OpenImage {
  readonly huge: boolean;
  readonly number: Promise<number>;
}

/** The tenders of a node, and the numbers that the control protocol leaves to the node. */
export class Cores {
  readonly all: readonly Core[];
  readonly #images = new Map<string, OpenImage>();
  readonly #group: TenderGroup;
  #onDeath: ((core: Core, error: PlatformError) => void) | undefined;
  /** Told when a core is up, or none will be any more. */
  #waiting: (() => void)[] = [];
  #ended: PlatformError | undefined;
  #lastUc = 0;
  #lastSnapshot = 0;
  #lastImage = 0;

  static async start(options: TenderProcessOptions): Promise<Cores> {
    return new Cores(await TenderGroup.start(options));
  }

  private constructor(group: TenderGroup) {
    this.#group = group;
    this.all = group.tenders.map((tender, index) => ({
      index,
      tender,
      up: true,
      complete: true,
      answered: false,
      starting: 0,
      active: 0,
      ending: 0,
    }));
    for (const core of this.all) {
      this.#watch(core);
      core.complete = true;
    }
  }

  /** Identity of the library OS and of the registers' layout, equal for all cores. */
  get identity(): string[] {
    const hello = this.first.tender.hello;
    return [hello.libosId, String(hello.xstateBytes)];
  }

  get first(): Core {
    return this.all[0] as Core;
  }

  /** UC ids are 32 bits wide and free again after the UC's end; a wrap takes years. */
  nextUc(): number {
    this.#lastUc = (this.#lastUc % 0xffff_ffff) + 1;
    return this.#lastUc;
  }

  nextSnapshot(): number {
    this.#lastSnapshot += 1;
    return this.#lastSnapshot;
  }

  nextImage(): number {
    this.#lastImage += 1;
    return this.#lastImage;
  }

  /**
   * Opens an image in every tender, once; returns its number.
   * @param huge map a copy in huge pages: for images whose program text is large
   */
  openImage(path: string, huge = false): Promise<number> {
    let opened = this.#images.get(path);
    if (opened === undefined) {
      opened = { huge, number: this.#open(path, huge) };
      this.#images.set(path, opened);
      opened.number.catch(() => this.#images.delete(path));
    }
    return opened.number;
  }

  /** A tender that does not know the snapshot, or has died, has none to drop. */
  async drop(snapshot: Pick<Snapshot, 'number'>): Promise<void> {
    await Promise.all(this.all.map(({ tender }) => tender.drop(snapshot.number).catch(() => undefined)));
  }

  /** Who hears of a tender's death, once for each; not after `close`. */
  onDeath(listener: (core: Core, error: PlatformError) => void): void {
    this.#onDeath = listener;
  }

  /**
   * Gives each core whose tender has died a new one. `bring` gives that what starts cannot do
   * without; then the core is up. Returns why some is not up.
   * @throws PlatformError `closed`
   */
  async replaceDead(bring: (core: Core) => Promise<void>): Promise<unknown> {
    this.#checkOpen();
    const dead = this.all.filter(({ up }) => !up);
    let failure = await this.#group.replace(dead.map(({ index }) => index));
    this.#checkOpen();
    for (const core of dead) {
      const tender = this.#group.tenders[core.index];
      if (tender === undefined || tender.isGone) {
        continue;
      }
      core.tender = tender;
      core.complete = false;
      try {
        const opened = new Set<string>();
        await this.#reopenImages(core, opened);
        await bring(core);
        // Those that were opened in the others meanwhile.
        await this.#reopenImages(core, opened);
        this.#watch(core);
      } catch (error) {
        failure ??= error;
      }
    }
    return failure;
  }

  /**
   * Resolves when a core is up.
   * @throws PlatformError why none will be any more
   */
  async someUp(): Promise<void> {
    while (!this.all.some(({ up }) => up)) {
      this.#checkOpen();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /**
   * The least loaded core whose tender knows all snapshots; waits until there is one.
   * @throws PlatformError why there will be none any more
   */
  async complete(): Promise<Core> {
    for (;;) {
      const complete = this.all.filter(({ up, complete }) => up && complete);
      if (complete.length > 0) {
        return leastLoaded(complete);
      }
      this.#checkOpen();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  setComplete(core: Core): void {
    core.complete = true;
    this.#tellWaiting();
  }

  stats(): { all: number; up: number; complete: number } {
    const up = this.all.filter((core) => core.up);
    return { all: this.all.length, up: up.length, complete: up.filter(({ complete }) => complete).length };
  }

  /** No tender is started any more; whoever waits for one is told why. */
  end(reason: PlatformError): void {
    this.#ended ??= reason;
    this.#tellWaiting();
  }

  async close(): Promise<void> {
    this.end(new PlatformError('closed', 'the node was closed'));
    await this.#group.close();
  }

  async #open(path: string, huge: boolean): Promise<number> {
    const image = this.nextImage();
    const cores = this.all.filter(({ up }) => up);
    await Promise.all(cores.map(({ tender }) => tender.openImage(image, path, huge)));
    return image;
  }

  /**
   * Under the numbers that the other tenders, or those before, have them by. One that is gone is
   * opened anew on demand.
   */
  async #reopenImages({ tender }: Core, opened: Set<string>): Promise<void> {
    const reopen = async ([path, { huge, number }]: [string, OpenImage]): Promise<void> => {
      const image = await number.catch(() => undefined);
      if (image === undefined) {
        return;
      }
      await tender.openImage(image, path, huge).catch((error: unknown) => {
        if (errnoOf(error) === 0) {
          throw error;
        }
        this.#images.delete(path);
      });
    };
    const missing = [...this.#images].filter(([path]) => !opened.has(path));
    for (const [path] of missing) {
      opened.add(path);
    }
    await Promise.all(missing.map(reopen));
  }

  #watch(core: Core): void {
    core.up = true;
    core.tender.onDeath((error) => {
      core.up = false;
      if (this.#ended === undefined) {
        this.#onDeath?.(core, error);
      }
    });
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      resolve();
    }
  }

  #checkOpen(): void {
    if (this.#ended !== undefined) {
      throw this.#ended;
    }
  }
}

/**
 * The core with the fewest starts under way, then with the fewest UCs that are busy or on their
 * end; the first of equals.
 */
export function leastLoaded(cores: readonly Core[]): Core {
  return cores.reduce((best, core) => (isLess(core, best) ? core : best));
}

/**
 * The same, but the last of equals. The node may share the first core: what takes the UC and its tender much
 * processor time goes on sooner beside it.
 */
export function leastLoadedAside(cores: readonly Core[]): Core {
  return cores.reduceRight((best, core) => (isLess(core, best) ? core : best));
}

function isLess(a: Core, b: Core): boolean {
  if (a.up !== b.up) {
    return a.up;
  }
  return a.starting < b.starting || (a.starting === b.starting && busy(a) < busy(b));
}

function busy(core: Core): number {
  return core.active + core.ending;
}
