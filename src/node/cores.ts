import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Tender } from '../tender/tender.ts';
import { TenderProcess, type TenderProcessOptions } from '../tender/tender-process.ts';

/** A core, its tender, and what runs there now. A UC stays on its core. */
export interface Core {
  readonly index: number;
  readonly tender: Tender;
  /** UCs that are being deployed or load their code. */
  starting: number;
  /** UCs that work on an invocation, those that start included. */
  active: number;
  /** UCs that were killed and whose processes are not gone yet, which costs as much as half a start. */
  ending: number;
}

/** The tenders of a node, and the numbers that the control protocol leaves to the node. */
export class Cores {
  readonly all: readonly Core[];
  readonly #process: TenderProcess;
  readonly #images = new Map<string, Promise<number>>();
  #lastUc = 0;
  #lastSnapshot = 0;
  #lastImage = 0;

  static async start(options: TenderProcessOptions): Promise<Cores> {
    return new Cores(await TenderProcess.start(options));
  }

  private constructor(process: TenderProcess) {
    this.#process = process;
    this.all = process.tenders.map((tender, index) => ({ index, tender, starting: 0, active: 0, ending: 0 }));
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
      opened = this.#open(path, huge);
      this.#images.set(path, opened);
      opened.catch(() => this.#images.delete(path));
    }
    return opened;
  }

  async #open(path: string, huge: boolean): Promise<number> {
    const image = this.nextImage();
    await Promise.all(this.all.map(({ tender }) => tender.openImage(image, path, huge)));
    return image;
  }

  async drop(snapshot: Pick<Snapshot, 'number'>): Promise<void> {
    await Promise.all(this.all.map(({ tender }) => tender.drop(snapshot.number)));
  }

  async close(): Promise<void> {
    await this.#process.close();
  }
}

/** The core with the fewest starts under way, then with the fewest UCs that are busy or on their end; the first of equals. */
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
  return a.starting < b.starting || (a.starting === b.starting && busy(a) < busy(b));
}

function busy(core: Core): number {
  return core.active + core.ending;
}
