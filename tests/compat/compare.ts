/**
 * Compares what a program does natively with what it does in a UC.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Outcome, runInUc, runNatively } from './execute.ts';
import { findProgram, type Program, pinnedNode } from './programs.ts';

/** A test: skipped where the program is missing; a known failure must fail. */
export async function comparePrograms(program: Program, t: TestContext): Promise<void> {
  const [name = ''] = program.argv;
  if (findProgram(name === '{node}' ? pinnedNode : name) === undefined) {
    t.skip(`${name} is not installed`);
    return;
  }
  const [native, uc] = await Promise.all([runNatively(program), runInUc(program)]);
  if (program.tests) assert.equal(native.status, 0, `natively it says:\n${native.stdout}${native.stderr}`);
  if (program.knownFailure === undefined) {
    assertSame(program, native, uc);
    return;
  }
  assert.throws(
    () => assertSame(program, native, uc),
    `passes now, so its knownFailure must go: "${program.knownFailure}"`,
  );
  t.diagnostic(`known failure: ${program.knownFailure}`);
}

function assertSame(program: Program, native: Outcome, uc: Outcome): void {
  const context = `in the UC, stderr was:\n${uc.stderr.slice(-2000)}`;
  assert.deepEqual(visible(program, uc), visible(program, native), context);
}

function visible({ hide = [], stderr = false }: Program, outcome: Outcome) {
  const patterns = hide.map((pattern) => new RegExp(pattern, 'gm'));
  const clean = (text: string) => patterns.reduce((rest, pattern) => rest.replace(pattern, ''), text);
  return {
    status: shellStatus(outcome.status),
    stdout: clean(outcome.stdout),
    ...(stderr && { stderr: clean(outcome.stderr) }),
  };
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** `seuss run` reports death by signal as shells do. */
function shellStatus(status: number | string): number | string {
  const signal = SIGNALS[status];
  return signal === undefined ? status : 128 + signal;
}
