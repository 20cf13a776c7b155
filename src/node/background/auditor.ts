import type { Core } from '../../cores/cores.ts';
import { FunctionUc } from '../function/function-record.ts';
import type { Place } from '../invoke/place.ts';

/** Between two looks. What both see did not just happen to be under way. */
const LOOK_MS = 10_000;

interface AuditorOptions {
  readonly cores: readonly Core[];
  readonly places: { readonly open: ReadonlySet<Place> };
  /** UCs that are being put back to their snapshots; they have kept their places. */
  readonly resetting: ReadonlySet<FunctionUc>;
  /** UCs that were killed and whose ends are awaited. */
  readonly ending: ReadonlyMap<FunctionUc, unknown>;
  /** Starts that take no place: of interpreters. */
  readonly booting: (core: Core) => number;
  /** Kills a UC and does not wait for it. */
  readonly dispose: (uc: FunctionUc) => void;
  /** There is room again. */
  readonly onMended: () => void;
  /** Hears what was wrong, one sentence each. */
  readonly report: (message: string) => void;
}

/**
 * Compares what the node counts with what there is: active UCs and starts of each core with the
 * places that are taken, processes of the tenders with the UCs that somebody has. What is wrong at
 * two looks in a row is told and put right: a slot that is lost for good would be one less for
 * everybody.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  /** What the last look found, by what it is about. */
  #found = new Map<unknown, () => void>();
  #timer: NodeJS.Timeout | undefined;
  /** Leaks so far. */
  leaks = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const found = new Map<unknown, () => void>();
    for (const place of this.#options.places.open) {
      this.#lookAtPlace(place, found);
    }
    for (const core of this.#options.cores) {
      this.#lookAtCounts(core, found);
      this.#lookAtProcesses(core, found);
    }
    const before = this.#found;
    this.#found = found;
    for (const [what, mend] of found) {
      if (before.has(what)) {
        this.#found.delete(what);
        this.leaks += 1;
        mend();
        this.#options.onMended();
      }
    }
  }

  /** Whoever has it would have given it back. */
  #lookAtPlace(place: Place, found: Map<unknown, () => void>): void {
    const { uc, core } = place;
    if (uc?.end !== undefined) {
      found.set(place, () => {
        this.#options.report(
          `a place on core ${core.index} of a context of ${uc.record.name} that had ended was not given back`,
        );
        place.giveBack();
      });
    }
  }

  #lookAtCounts(core: Core, found: Map<unknown, () => void>): void {
    const places = [...this.#options.places.open].filter((place) => place.core === core);
    const on = (ucs: Iterable<FunctionUc>): number => [...ucs].filter((uc) => uc.core === core).length;
    const counts = {
      active: places.length + on(this.#options.resetting),
      starting: places.filter(({ isStarting }) => isStarting).length + this.#options.booting(core),
      ending: on(this.#options.ending.keys()),
    };
    for (const name of ['active', 'starting', 'ending'] as const) {
      const wrong = core[name] - counts[name];
      if (wrong !== 0) {
        // The same difference: while much is under way there may be another one each time.
        found.set(`${name} ${core.index} ${wrong}`, () => {
          this.#options.report(
            `core ${core.index} counted ${core[name]} contexts as ${name}, there are ${counts[name]}`,
          );
          core[name] = counts[name];
        });
      }
    }
  }

  #lookAtProcesses(core: Core, found: Map<unknown, () => void>): void {
    const { places, resetting, ending, dispose, report } = this.#options;
    const placed = new Set([...places.open].map(({ uc }) => uc));
    for (const uc of core.tender.listeners()) {
      // Idle ones are many.
      if (!(uc instanceof FunctionUc) || uc.isIdle) {
        continue;
      }
      if (!placed.has(uc) && !resetting.has(uc) && !ending.has(uc)) {
        found.set(uc, () => {
          report(`a context of ${uc.record.name} on core ${core.index} belonged to nobody, and was ended`);
          dispose(uc);
        });
      }
    }
  }
}
