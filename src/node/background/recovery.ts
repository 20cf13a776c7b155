import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '../../contract/errors.ts';
import type { Core, Cores } from '../../cores/cores.ts';

/** So often in a row, without an answer between, new tenders are started; then the node ends. */
const ATTEMPTS_MAX = 6;
/**
 * Before the second attempt in a row; then twice as long each time, at most the other. The first
 * begins at once.
 */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** Tenders that have lived for so long were in order. */
const SOUND_MS = 1000;

interface RecoveryOptions {
  readonly cores: Cores;
  /** No tender has any snapshot any more. */
  readonly onSnapshotsLost: () => void;
  /** Gives a new tender what starts cannot do without, of what the others have. */
  readonly bring: (core: Core) => Promise<void>;
  /** Tenders are there again: brings back what functions start from. */
  readonly restore: () => Promise<void>;
  /** Tenders can be asked again. */
  readonly onUp: () => void;
  /** The node cannot be mended. */
  readonly onFailed: (error: PlatformError) => void;
  /** Hears what happened, one sentence each. */
  readonly report: (message: string) => void;
}

/**
 * Puts new tenders in the place of those that died, and has brought back what they need. What ran
 * on them has failed; what waits, waits on. A node whose tenders die again and again without an
 * answer between is given up.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #stop = new AbortController();
  #working: Promise<void> | undefined;
  /** Why the node can run nothing at present. */
  #fault: PlatformError | undefined;
  #failed: PlatformError | undefined;
  #inRow = 0;
  #isRestored = true;
  #soundSinceMs = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    options.cores.onDeath((_core, error) => this.#died(error));
  }

  get fault(): PlatformError | undefined {
    const works = this.#isRestored && this.#options.cores.all.some(({ up }) => up);
    return works ? undefined : this.#fault;
  }

  /** Set when the node cannot be mended. */
  get failed(): PlatformError | undefined {
    return this.#failed;
  }

  /** Begins nothing more; resolves when nothing is under way, for which the tenders have to be closed. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  #died(error: PlatformError): void {
    this.#fault = error;
    if (!this.#options.cores.all.some(({ up }) => up)) {
      this.#isRestored = false;
      this.#options.onSnapshotsLost();
    }
    if (!this.#stop.signal.aborted) {
      this.#working ??= this.#mend(error).finally(() => {
        this.#working = undefined;
      });
    }
  }

  async #mend({ message }: PlatformError): Promise<void> {
    const begun = performance.now();
    // All that died at once are told of first.
    await Promise.resolve();
    this.#options.report(`${message}; what ran there has failed, a new tender is started`);
    while (this.#isBroken && !this.#stop.signal.aborted) {
      this.#count();
      if (this.#inRow > ATTEMPTS_MAX) {
        this.#giveUp();
        return;
      }
      await this.#attempt().catch((error: unknown) => {
        this.#fault = error instanceof PlatformError ? error : unexpected(error);
      });
    }
    if (!this.#stop.signal.aborted) {
      this.#fault = undefined;
      this.#soundSinceMs = performance.now();
      this.#options.report(`the node was mended within ${Math.ceil(this.#soundSinceMs - begun)} ms`);
    }
  }

  get #isBroken(): boolean {
    return !this.#isRestored || this.#options.cores.all.some(({ up }) => !up);
  }

  /** One more attempt in a row, unless the node was in order meanwhile. */
  #count(): void {
    const { all } = this.#options.cores;
    const wasSound = this.#isRestored && performance.now() - this.#soundSinceMs > SOUND_MS;
    this.#inRow = wasSound || all.some(({ answered }) => answered) ? 1 : this.#inRow + 1;
    for (const core of all) {
      core.answered = false;
    }
  }

  async #attempt(): Promise<void> {
    const { cores, bring, restore, onUp } = this.#options;
    if (this.#inRow > 1) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#inRow - 2), LONGEST_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal: this.#stop.signal });
    }
    const failure = await cores.replaceDead(bring);
    const isUp = () => cores.all.some(({ up }) => up);
    if (!this.#isRestored && isUp()) {
      await restore();
      // Unless all have died once more.
      this.#isRestored = isUp();
    }
    if (this.#isRestored) {
      onUp();
    }
    if (failure !== undefined) {
      throw failure;
    }
  }

  #giveUp(): void {
    const { cores, onFailed } = this.#options;
    const why = this.#fault?.message ?? 'no tender could be started';
    const text = `the node cannot be mended, ${ATTEMPTS_MAX} attempts in a row have failed: ${why}`;
    this.#failed = new PlatformError('node_failed', text, {
      remedy: 'See what the host says of it (dmesg, free memory, free disk), then start the node again.',
      cause: this.#fault,
    });
    this.#fault = this.#failed;
    cores.end(this.#failed);
    onFailed(this.#failed);
  }
}

function unexpected(error: unknown): PlatformError {
  return new PlatformError('node_failed', `a tender could not be replaced: ${String(error)}`, {
    cause: error,
  });
}
