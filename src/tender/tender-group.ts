import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import { checkDescriptorLimit } from './descriptor-limit.ts';
import type { Tender } from './tender.ts';
import { TenderProcess, type TenderProcessOptions } from './tender-process.ts';

/** What one captures all have, so they know each other. That takes a millisecond. */
const JOIN_MS = 5000;
/** How often tenders are asked whether they are in order. */
const LOOK_MS = 5000;
/** The longest that one does without a look at its messages is to read an image from a slow disk. */
const HANG_MS = 20_000;

interface Started {
  readonly index: number;
  readonly process: TenderProcess;
  /** Where the others find it. */
  readonly dir: string | undefined;
}

/** The tenders of a node, one for each core. Each may die, and be replaced, without the others. */
export class TenderGroup {
  readonly #options: TenderProcessOptions;
  readonly #processes: TenderProcess[] = [];
  /** Those whose answer is awaited. */
  readonly #asked = new Set<Tender>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @throws PlatformError `too_few_descriptors`, `not_built`, `tender_died`, `tender_version` */
  static async start(options: TenderProcessOptions): Promise<TenderGroup> {
    checkDescriptorLimit();
    const group = new TenderGroup(options);
    group.#timer = setInterval(() => group.#lookAfter(), LOOK_MS).unref();
    const failure = await group.replace(Array.from({ length: options.cores }, (_, index) => index));
    if (failure !== undefined) {
      await group.close();
      throw failure;
    }
    return group;
  }

  private constructor(options: TenderProcessOptions) {
    this.#options = options;
  }

  get tenders(): readonly Tender[] {
    return this.#processes.map(({ tender }) => tender);
  }

  /**
   * Starts tenders in the places of those that are gone. The others know them then; they know no
   * image and no snapshot. Where one could not be started there is the old one; returns why.
   */
  async replace(indexes: readonly number[]): Promise<unknown> {
    await Promise.all(indexes.map((index) => this.#processes[index]?.close()));
    const starting = await Promise.allSettled(indexes.map((index) => this.#start(index)));
    let failure: unknown;
    for (const each of starting) {
      if (each.status === 'rejected') {
        failure ??= each.reason;
        continue;
      }
      await this.#take(each.value).catch((error: unknown) => {
        failure ??= error;
      });
    }
    return failure;
  }

  /** One that does not answer any more, because somebody has stopped it, say, is as good as dead. */
  #lookAfter(): void {
    for (const each of this.#processes.filter(({ tender }) => !tender.isGone && !this.#asked.has(tender))) {
      const { tender } = each;
      this.#asked.add(tender);
      each
        .within(HANG_MS, tender.greet())
        .catch(() => undefined)
        .finally(() => this.#asked.delete(tender));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await Promise.all(this.#processes.map((each) => each.close()));
  }

  async #start(index: number): Promise<Started> {
    if (this.#options.cores === 1) {
      return { index, process: await TenderProcess.start(this.#options, index), dir: undefined };
    }
    // Nobody else can enter it.
    const dir = await mkdtemp(join(tmpdir(), 'seuss-')).catch((cause: unknown) => {
      throw new PlatformError('tender_died', `no socket between tenders can be made in ${tmpdir()}`, {
        cause,
        remedy: 'set TMPDIR to a directory that can be written and has a short name',
      });
    });
    try {
      return { index, process: await TenderProcess.start(this.#options, index, pathIn(dir)), dir };
    } catch (error) {
      await remove(dir);
      throw error;
    }
  }

  async #take({ index, process, dir }: Started): Promise<void> {
    try {
      await this.#introduce(index, process, dir);
      if (this.#closed) {
        throw new PlatformError('closed', 'the node was closed');
      }
      this.#processes[index] = process;
    } catch (error) {
      await process.close();
      throw error;
    } finally {
      await remove(dir);
    }
  }

  /** Has the others join a new one. Whoever does not answer is killed. */
  async #introduce(index: number, { tender }: TenderProcess, dir: string | undefined): Promise<void> {
    if (dir === undefined) {
      return;
    }
    const others = this.#processes.filter((other, i) => i !== index && !other.tender.isGone);
    const awaited = tender.awaitPeers(others.length);
    awaited.catch(() => undefined);
    const joined = await Promise.allSettled(
      others.map((other) => other.within(JOIN_MS, other.tender.join(index, pathIn(dir)))),
    );
    for (const each of joined) {
      if (each.status === 'rejected') throw each.reason;
    }
    await awaited;
  }
}

function pathIn(dir: string): string {
  return join(dir, 'peers');
}

async function remove(dir: string | undefined): Promise<void> {
  if (dir !== undefined) {
    await rm(dir, { recursive: true, force: true });
  }
}
