import type { JsonText } from '../json/json-text.ts';

/** Levels of the lineage. `capture`: of a running invocation, on demand. */
export type SnapshotKind = 'runtime' | 'function' | 'argument' | 'capture';

export interface SnapshotInfo {
  readonly id: string;
  readonly kind: SnapshotKind;
  readonly parent: string | null;
  /** Runtime kind or action name. */
  readonly of: string;
  /** Memory that goes when it is dropped. */
  readonly ownBytes: number;
  /** It is kept as the words that differ from its parent. */
  readonly compact: boolean;
  readonly ownPages: number;
  readonly sharedPages: number;
  readonly maps: number;
  /** It is in the snapshot store too. */
  readonly stored: boolean;
  readonly deploys: number;
  readonly createdMs: number;
  /** Of an argument snapshot: the arguments that it fixes. */
  readonly fixed?: JsonText;
  /** It is a recapture: taken after runs, when the function's code was compiled. */
  readonly warmed?: boolean;
}

/** A place half-way through a function's run where invocations start, or would. */
export interface HalfwayPointInfo {
  /** The arguments that it fixes; none for the function's own checkpoint(), which any object matches. */
  readonly fixed: JsonText;
  readonly origin: 'declared' | 'checkpoint';
  /** `none`: the next invocation that matches brings the snapshot. `failed`: none will. */
  readonly state: 'none' | 'starting' | 'ready' | 'failed';
  readonly snapshot: string | null;
  /** Why there is no snapshot, after a try. */
  readonly reason?: string;
  /** What the run used before the capture that may differ from run to run, like `time: Date.now`. */
  readonly observed: readonly string[];
}

/** Where code lies, and what it is called. */
export interface CodeAddress {
  readonly address: number;
  /** Like `uv__io_poll+0x1a2 (/usr/bin/node)`, `[jit]`; null when nothing is known. */
  readonly symbol: string | null;
}

export interface SnapshotMapping {
  readonly start: number;
  readonly bytes: number;
  /** As in /proc/PID/maps: `r-x`. */
  readonly access: string;
  /** File in the function's view, `own` pages, `layer N` of an ancestor, or `anonymous`. */
  readonly source: string;
  /** In the source, bytes. */
  readonly offset: number;
}

export interface SnapshotDetails extends SnapshotInfo {
  /** `words`: what differs from its parent's memory; `pages`: a layer of its own. */
  readonly form: 'pages' | 'words';
  readonly layers: number;
  readonly images: number;
  /** Of the context at the capture, nanoseconds. */
  readonly clockMonotonicNs: number;
  /** 16 hexadecimal digits each. */
  readonly registers: Readonly<Record<string, string>>;
  readonly programCounter: CodeAddress;
  /** Where the program goes on when the library OS is done; null when it was the program's turn. */
  readonly guestCounter: CodeAddress | null;
  /** By address. */
  readonly memoryMap: readonly SnapshotMapping[];
  /** The memory map is longer than is told: `maps` is its length. */
  readonly truncated: boolean;
}

/** A run of whole pages in which two snapshots differ. */
export interface SnapshotDiffRun {
  readonly start: number;
  readonly bytes: number;
  /** Mapped in one alone; other bytes; the same bytes with other protection. */
  readonly kind: 'onlyA' | 'onlyB' | 'bytes' | 'access';
  /** Of 8 bytes, that differ; 0 unless `kind` is `bytes`. */
  readonly words: number;
}

export interface SnapshotDiff {
  readonly a: string;
  readonly b: string;
  /** Pages by kind, and all words that differ. */
  readonly pages: Readonly<Record<SnapshotDiffRun['kind'], number>>;
  readonly words: number;
  /** By address. */
  readonly runs: readonly SnapshotDiffRun[];
  /** There are more runs than are told; the sums are over all. */
  readonly truncated: boolean;
}
