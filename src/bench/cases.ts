import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageDir } from '../contract/paths.ts';
import { listRuntimes } from '../runtime/runtimes.ts';

/** One function of the start benchmark. */
export interface BenchCase {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  /** Host path of the same interpreter. */
  readonly interpreter: string;
}

interface CaseList {
  readonly cases: readonly BenchCase[];
  /** Cases that this host cannot run, and what would change that. */
  readonly skipped: readonly string[];
}

export function benchFunction(name: string): string {
  return join(packageDir, 'src/bench/functions', name);
}

/** The interpreter of a kind on the host, or undefined when it is not installed. */
export function interpreterOf(kind: string): string | undefined {
  return listRuntimes().find((runtime) => runtime.kind === kind)?.interpreter;
}

/** A NOP function and one with a heavy import, for each language. */
export function startCases(): CaseList {
  const cases: BenchCase[] = [];
  const skipped: string[] = [];
  const nodejs = interpreterOf('nodejs:24');
  if (nodejs !== undefined) {
    const common = { kind: 'nodejs:24', interpreter: nodejs };
    cases.push({ ...common, name: 'nop', path: benchFunction('nop.cjs') });
    cases.push({ ...common, name: 'mathjs', path: join(packageDir, 'examples/nodejs/matrix') });
  }
  const python = interpreterOf('python:3.11');
  if (python === undefined) {
    skipped.push('python: sudo apt-get install -y python3');
    return { cases, skipped };
  }
  const common = { kind: 'python:3.11', interpreter: python };
  cases.push({ ...common, name: 'nop', path: benchFunction('nop.py') });
  if (hasModule(python, 'numpy')) {
    cases.push({ ...common, name: 'numpy', path: benchFunction('numpy_nop.py') });
  } else {
    skipped.push('numpy: sudo apt-get install -y python3-numpy');
  }
  return { cases, skipped };
}

/** Whether the host's Python finds a module that came with a Debian package. */
export function hasModule(python: string, name: string): boolean {
  try {
    execFileSync(python, [
      '-I',
      '-c',
      `import importlib.util as u, sys; sys.exit(u.find_spec(${JSON.stringify(name)}) is None)`,
    ]);
    return true;
  } catch {
    return false;
  }
}
