export interface StoreOptions {
  /** Folder that one node at a time uses. */
  readonly dir: string;
  /** Bytes that page files may take; beyond it the longest unused snapshots go (default 16 GiB). */
  readonly maxBytes?: number;
  /** Hears what was wrong with the store or with what was in it, one sentence each. */
  readonly onReport?: (level: 'info' | 'warn', message: string) => void;
}

/** Actions whose system calls are printed, activation by activation; all others pay nothing for that. */
export interface TraceOptions {
  /** `namespace/name`, as in `Action.name`. */
  readonly actions: readonly string[];
  /** For each activation; what comes then is left out, after a line that says so (default 4 MiB). */
  readonly maxBytes?: number;
  /**
   * Takes whole lines: the id of the activation, a space, and what the context told. They are bounded in
   * length, and of printable ASCII alone.
   */
  readonly write: (lines: string) => void;
}

export interface ComputeNodeOptions {
  /** Cores to run UCs on; default: all. */
  readonly cores?: number;
  /**
   * Binds the calling thread to the first core, which halves the time of a hot start: waking a sleeping
   * core costs more than the start itself. For processes whose main job is the node (default false).
   */
  readonly bindThread?: boolean;
  /** Budget of real bytes for UCs, running and idle, and snapshots. */
  readonly memoryBytes?: number;
  /** Kinds to boot at start; others boot on first use. */
  readonly preboot?: readonly string[];
  /** Keeps snapshots on disk, so that a later node starts from them; by default they end with the process. */
  readonly store?: StoreOptions;
  /**
   * Anticipation before the runtime capture (default true): what functions would all
   * do first. Single items can be left out; those that a runtime does not have are ignored there.
   * They are listed in drivers/LANGUAGE/anticipations.json.
   */
  readonly anticipate?: boolean | { readonly except: readonly string[] };
  /** Optimisations to leave out, to measure what they bring or to look for a fault (default: none). */
  readonly without?: readonly Optimisation[];
  /** Prints system calls (default: none). */
  readonly trace?: TraceOptions;
  /** Hears what failed and was mended: a tender that died, say; one sentence each. */
  readonly onFault?: (message: string) => void;
  /** Progress of long steps, one sentence each. */
  readonly onProgress?: (message: string) => void;
  /** Hears what of the host makes the node less safe than it could be. */
  readonly onWarning?: (message: string) => void;
}

/**
 * What makes starts faster or UCs smaller without a word in any contract. `templates`: processes
 * that have a snapshot's maps already; `working-set`: their pages fetched ahead; `unchanged`: pages
 * that were written but are as before stay out of a layer; `huge-pages`: program text in huge
 * pages; `compaction`: snapshots kept as words; `demotion`: idle UCs without a process;
 * `recapture`: snapshots of compiled code.
 */
export const OPTIMISATIONS = [
  'templates',
  'working-set',
  'unchanged',
  'huge-pages',
  'compaction',
  'demotion',
  'recapture',
] as const;

export type Optimisation = (typeof OPTIMISATIONS)[number];
