import { setTimeout as pause } from 'node:timers/promises';
import type { Packager } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode, UcMemory } from '../contract/node.ts';
import type { ComputeNodeOptions, Optimisation } from '../contract/options.ts';
import { anticipations } from '../runtime/anticipations.ts';
import { standardKindOf } from '../runtime/kinds.ts';
import { LANGUAGES } from '../runtime/languages.ts';
import { WORKLOADS, type Workloads } from './ablation-workloads.ts';
import { interpreterOf } from './cases.ts';
import { milliseconds } from './cpu.ts';
import { type MachineFacts, machineFacts } from './machine.ts';
import { variant } from './start.ts';

/** Between two starts, as on a machine that is idle when a request comes. */
const PAUSE_MS = 20;
/** Starts whose figures do not count: code of the node itself warms up, templates are made. */
const UNCOUNTED = 3;
/** Runs that compile what there is to compile, for each that is measured. */
const COMPILING_RUNS = 20;
/** It would change the function under measurement; it has a table of its own. */
const ALWAYS: readonly Optimisation[] = ['recapture'];
const MECHANISMS: readonly Optimisation[] = [
  'templates',
  'working-set',
  'unchanged',
  'huge-pages',
  'compaction',
];

/** Milliseconds of the quickest start, since neighbours on the machine only ever slow one down; bytes. */
export interface AblationSide {
  readonly coldMs: number;
  readonly warmMs: number;
  /** Own bytes of the runtime's snapshot, and of the function's. */
  readonly runtimeBytes: number;
  readonly functionBytes: number;
  /** Private pages and page tables of an idle UC after one run. */
  readonly idleBytes: number;
}

interface AblationRow {
  readonly kind: string;
  readonly item: string;
  /** Everything on. */
  readonly with: AblationSide;
  /** All but this item. */
  readonly without: AblationSide;
}

/** What capturing again brings to a CPU-bound function. */
interface RecaptureRow {
  readonly kind: string;
  readonly steadyMs: number;
  /** First warm runs. Milliseconds that the function measures itself, of the quickest run. */
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

export interface AblationReport {
  readonly machine: MachineFacts;
  readonly rows: readonly AblationRow[];
  readonly recapture: readonly RecaptureRow[];
}

interface AblationOptions {
  readonly packager: Packager;
  /** Cold and warm starts of each side. */
  readonly runs: number;
  /** Only these items (default: all). */
  readonly items?: readonly string[];
  readonly onProgress: (message: string) => void;
  readonly withNode: <T>(options: ComputeNodeOptions, work: (node: ComputeNode) => Promise<T>) => Promise<T>;
}

interface Subject {
  readonly item: string;
  readonly source: string;
  readonly options: ComputeNodeOptions;
}

function checkItems(items: readonly string[]): void {
  const known = new Set([
    ...LANGUAGES.flatMap((language) => anticipations(language.name)).map(({ name }) => name),
    ...MECHANISMS,
    ...ALWAYS,
  ]);
  const unknown = items.find((item) => !known.has(item));
  if (unknown !== undefined) {
    throw new PlatformError('unknown_optimisation', `there is no optimisation ${JSON.stringify(unknown)}`, {
      remedy: `choose from ${[...known].join(', ')}`,
    });
  }
}

/**
 * Each optimisation left out, beside a node that has them all, in turns.
 * @throws PlatformError `unknown_optimisation`, `bench_failed`
 */
export async function runAblation(options: AblationOptions): Promise<AblationReport> {
  const machine = machineFacts();
  const rows: AblationRow[] = [];
  const recapture: RecaptureRow[] = [];
  checkItems(options.items ?? []);
  const wanted = (item: string) => options.items === undefined || options.items.includes(item);
  for (const language of LANGUAGES) {
    const kind = standardKindOf(language);
    const workloads = WORKLOADS[language.name];
    if (workloads === undefined || interpreterOf(kind) === undefined) continue;
    const common = { preboot: [kind], cores: 1, bindThread: false, without: [...ALWAYS] };
    await options.withNode(common, async (complete) => {
      for (const subject of subjects(language.name, workloads).filter(({ item }) => wanted(item))) {
        options.onProgress(`measuring ${kind} without ${subject.item}`);
        const row = await options.withNode({ ...common, ...subject.options }, (ablated) =>
          compare(complete, ablated, options, kind, subject),
        );
        rows.push(row);
      }
      if (wanted('recapture')) {
        options.onProgress(`measuring the recapture of ${kind}`);
        recapture.push(await measureRecapture(complete, options, kind, workloads));
      }
    });
  }
  return { machine, rows, recapture };
}

function subjects(language: string, workloads: Workloads): Subject[] {
  const items = anticipations(language).map(
    ({ name }): Subject => ({
      item: name,
      source: workloads.anticipations[name] ?? workloads.nop,
      options: { anticipate: { except: [name] } },
    }),
  );
  const mechanisms = MECHANISMS.map(
    (item): Subject => ({ item, source: workloads.nop, options: { without: [...ALWAYS, item] } }),
  );
  return [...items, ...mechanisms];
}

async function compare(
  complete: ComputeNode,
  ablated: ComputeNode,
  { packager, runs }: AblationOptions,
  kind: string,
  { item, source }: Subject,
): Promise<AblationRow> {
  const action = await fromSource(packager, kind, source);
  const sides = [new Side(complete, action), new Side(ablated, action)] as const;
  for (let run = -UNCOUNTED; run < runs; run++) {
    for (const side of sides) await side.cold(run);
  }
  for (let run = -UNCOUNTED; run < runs; run++) {
    for (const side of sides) await side.warm(run);
  }
  const [on, off] = [await sides[0].finish(kind), await sides[1].finish(kind)];
  return { kind, item, with: on, without: off };
}

class Side {
  readonly #node: ComputeNode;
  readonly #action: Action;
  readonly #cold: number[] = [];
  readonly #warm: number[] = [];

  constructor(node: ComputeNode, action: Action) {
    this.#node = node;
    this.#action = action;
  }

  async cold(run: number): Promise<void> {
    const fresh = variant(this.#action, run);
    await pause(PAUSE_MS);
    const ms = await timed(this.#node, fresh);
    await this.#node.forget(fresh);
    if (run >= 0) this.#cold.push(ms);
  }

  async warm(run: number): Promise<void> {
    await this.#node.dropIdle(this.#action);
    await pause(PAUSE_MS);
    const ms = await timed(this.#node, this.#action);
    if (run >= 0) this.#warm.push(ms);
  }

  async finish(kind: string): Promise<AblationSide> {
    const idle = await this.#node.idleMemory(this.#action);
    const side = {
      coldMs: Math.min(...this.#cold),
      warmMs: Math.min(...this.#warm),
      runtimeBytes: ownBytes(this.#node, kind),
      functionBytes: ownBytes(this.#node, this.#action.name),
      idleBytes: idleBytes(idle),
    };
    await this.#node.forget(this.#action);
    return side;
  }
}

async function measureRecapture(
  node: ComputeNode,
  { packager, runs }: AblationOptions,
  kind: string,
  { cpuBound }: Workloads,
): Promise<RecaptureRow> {
  const action = await fromSource(packager, kind, cpuBound);
  const firstRuns = async (): Promise<number> => {
    const times: number[] = [];
    for (let run = -UNCOUNTED; run < runs; run++) {
      await node.dropIdle(action);
      await pause(PAUSE_MS);
      const ms = await ownMs(node, action);
      if (run >= 0) times.push(ms);
    }
    return Math.min(...times);
  };
  await invoke(node, action);
  const beforeMs = await firstRuns();
  const beforeBytes = ownBytes(node, action.name);
  const steady: number[] = [];
  for (let run = 0; run < Math.max(runs, UNCOUNTED) * COMPILING_RUNS; run++) {
    steady.push(await ownMs(node, action));
  }
  if (!(await node.recapture(action))) {
    throw new PlatformError('bench_failed', `${kind} could not be recaptured`);
  }
  const afterMs = await firstRuns();
  const afterBytes = ownBytes(node, action.name);
  await node.forget(action);
  return { kind, steadyMs: Math.min(...steady.slice(-runs)), beforeMs, afterMs, beforeBytes, afterBytes };
}

async function fromSource(packager: Packager, kind: string, source: string): Promise<Action> {
  return await packager.fromExec({ kind, code: source }, { name: 'bench/ablation' });
}

async function invoke(node: ComputeNode, action: Action) {
  const activation = await node.invoke(action, {});
  if (activation.status !== 'success') {
    throw new PlatformError('bench_failed', `${action.name} failed: ${JSON.stringify(activation.result)}`);
  }
  return activation;
}

async function timed(node: ComputeNode, action: Action): Promise<number> {
  return (await invoke(node, action)).timings.totalMs;
}

/** Of a function that measures itself. */
async function ownMs(node: ComputeNode, action: Action): Promise<number> {
  return milliseconds((await invoke(node, action)).result);
}

function ownBytes(node: ComputeNode, of: string): number {
  return node
    .stats()
    .snapshots.filter((snapshot) => snapshot.of === of)
    .reduce((sum, snapshot) => sum + snapshot.ownBytes, 0);
}

function idleBytes({ privateBytes, pageTableBytes }: UcMemory): number {
  return privateBytes + pageTableBytes;
}
