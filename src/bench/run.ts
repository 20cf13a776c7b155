import type { Packager } from '../action/packager.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ComputeNodeOptions } from '../contract/options.ts';
import { startCases } from './cases.ts';
import { type CpuResult, measureCpu } from './cpu.ts';
import { type IdleResult, measureIdle } from './idle-memory.ts';
import { type MachineFacts, machineFacts } from './machine.ts';
import { measureRestarts, type RestartResult } from './restart.ts';
import {
  measurePlain,
  measureStarts,
  type PlainResult,
  rehearse,
  type StartResult,
  type StartRuns,
} from './start.ts';
import { measureStates, type StateResult } from './states.ts';
import { measureThroughput, type ThroughputResult } from './throughput.ts';

interface BenchOptions {
  readonly packager: Packager;
  readonly runs: StartRuns;
  /** Rounds of each CPU-bound task. */
  readonly cpuRounds: number;
  /** Idle UCs for the host's memory figure. */
  readonly idleUcs: number;
  /** Functions of each language. */
  readonly restarted: number;
  readonly onProgress: (message: string) => void;
  /** Runs `work` with a node of these options and closes it afterwards. */
  readonly withNode: (
    options: ComputeNodeOptions,
    work: (node: ComputeNode) => Promise<void>,
  ) => Promise<void>;
}

export interface BenchReport {
  readonly machine: MachineFacts;
  readonly starts: readonly StartResult[];
  readonly plain: readonly PlainResult[];
  readonly states: readonly StateResult[];
  readonly throughput: readonly ThroughputResult[];
  readonly restarts: readonly RestartResult[];
  readonly cpu: readonly CpuResult[];
  readonly idle: readonly IdleResult[];
  readonly skipped: readonly string[];
}

/** Invocations of a round of throughput for each warm start. */
const THROUGHPUT_RUNS = 20;

/** All figures of `seuss bench start`, in one run on one machine. */
export async function runStartBench(options: BenchOptions): Promise<BenchReport> {
  const { packager, runs, onProgress } = options;
  const machine = machineFacts();
  const { cases, skipped } = startCases();
  const kinds = [...new Set(cases.map(({ kind }) => kind))];
  const starts: StartResult[] = [];
  const plain: PlainResult[] = [];
  const states: StateResult[] = [];
  const throughput: ThroughputResult[] = [];
  let cpu: CpuResult[] = [];
  let idle: IdleResult[] = [];
  // Before there is a node: it binds this thread to a core, and children inherit that.
  for (const subject of cases) {
    onProgress(`measuring a plain process, ${subject.kind} ${subject.name}`);
    plain.push(await measurePlain(subject, runs));
  }
  for (const anticipate of [true, false]) {
    await options.withNode({ preboot: kinds, anticipate, onProgress }, async (node) => {
      onProgress('running the node warm');
      for (const subject of cases.filter(isNop)) await rehearse(node, packager, subject);
      for (const subject of cases) {
        onProgress(`measuring ${subject.kind} ${subject.name}${anticipate ? '' : ' without anticipation'}`);
        starts.push(await measureStarts(node, packager, subject, runs, anticipate));
      }
      if (!anticipate) return;
      for (const subject of cases.filter(isNop)) {
        onProgress(`measuring what ${subject.kind} starts from`);
        states.push(...(await measureStates(node, packager, subject, runs.warm)));
        onProgress(`measuring answers per second of ${subject.kind}`);
        throughput.push(await measureThroughput(node, packager, subject, runs.warm * THROUGHPUT_RUNS));
      }
      onProgress('measuring CPU-bound code');
      cpu = await measureCpu(node, packager, options.cpuRounds);
      onProgress('measuring the memory of idle unikernel contexts');
      idle = await measureIdle(node, packager, options.idleUcs);
    });
  }
  onProgress('measuring restarts from a snapshot store');
  const { withNode, restarted } = options;
  const restarts = await measureRestarts({ packager, functions: restarted, onProgress, withNode });
  return { machine, starts, plain, states, throughput, restarts, cpu, idle, skipped };
}

function isNop({ name }: { readonly name: string }): boolean {
  return name === 'nop';
}
