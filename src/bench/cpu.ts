import { cpus } from 'node:os';
import type { Packager } from '../action/packager.ts';
import { PlatformError } from '../contract/errors.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { JsonValue } from '../json/json-text.ts';
import { benchFunction, interpreterOf } from './cases.ts';
import { runPlain } from './plain-process.ts';
import { median } from './statistics.ts';

export interface CpuResult {
  readonly kind: string;
  readonly task: string;
  /** Medians of the time that the function itself measured. */
  readonly ucMs: number;
  readonly nativeMs: number;
  /** 1 is native speed; less is slower. */
  readonly speed: number;
}

const TASKS = ['fib', 'json', 'crypto', 'regex'];
const SUBJECTS = [
  { kind: 'nodejs:24', file: 'cpu.cjs' },
  { kind: 'python:3.11', file: 'cpu.py' },
];

/** CPU-bound code in a UC and in an ordinary process, taking turns so that both see the same machine. */
export async function measureCpu(
  node: ComputeNode,
  packager: Packager,
  rounds: number,
): Promise<CpuResult[]> {
  const results: CpuResult[] = [];
  const cores = `0-${cpus().length - 1}`;
  for (const { kind, file } of SUBJECTS) {
    const interpreter = interpreterOf(kind);
    if (interpreter === undefined) continue;
    const path = benchFunction(file);
    const action = await packager.fromPath(path, { kind });
    for (const task of TASKS) {
      const uc: number[] = [];
      const native: number[] = [];
      for (let round = 0; round < rounds; round++) {
        uc.push(milliseconds((await node.invoke(action, { task })).result));
        native.push(milliseconds((await runPlain(interpreter, path, { task }, cores)).result));
      }
      const [ucMs, nativeMs] = [median(uc), median(native)];
      results.push({ kind, task, ucMs, nativeMs, speed: nativeMs / ucMs });
    }
    await node.forget(action);
  }
  return results;
}

/** What a function that measures itself has found. */
export function milliseconds(result: JsonValue): number {
  const ms = typeof result === 'object' && result !== null && !Array.isArray(result) ? result.ms : undefined;
  if (typeof ms !== 'number') {
    throw new PlatformError('bench_failed', `the CPU benchmark failed: ${JSON.stringify(result)}`);
  }
  return ms;
}
