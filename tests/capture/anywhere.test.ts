/**
 * Captures at random instants of busy programs: in optimised code, in the interpreter, in the
 * garbage collector, inside library OS calls, in signal handlers, with several threads. What each
 * clone goes on to write, and what the captured one does, must be to the byte what an undisturbed
 * run writes.
 *
 * SEUSS_STRESS=1 makes it 2,000 captures; SEUSS_SEED=N takes the instants of an earlier run.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cut, Machine, type Run } from './machine.ts';
import { BUSY_ENV, type BusyProgram, busyPrograms } from './programs.ts';
import { Random } from './random.ts';

const STRESS = process.env.SEUSS_STRESS === '1';
const SEED = Number(process.env.SEUSS_SEED ?? Date.now() % 1_000_000);
const PROGRAMS = busyPrograms();
const CAPTURES = STRESS ? Math.ceil(2000 / PROGRAMS.length) : 5;
const CAPTURES_PER_RUN = 3;
/** So often a clone is captured in its turn, and another clone made of that. */
const AGAIN = 0.3;
/** So often a snapshot is deployed twice. */
const TWICE = 0.2;

describe(`captures at random instants (SEUSS_SEED=${SEED})`, { concurrency: 2 }, () => {
  let machine: Machine;
  before(async () => {
    machine = await Machine.start();
  });
  after(() => machine?.close());

  for (const [index, program] of PROGRAMS.entries()) {
    it(program.name, async () => {
      const [path = '', ...args] = program.native;
      const expected = execFileSync(path, args, { env: BUSY_ENV, encoding: 'latin1' });
      await new Trial(machine, program, expected, new Random(SEED + index * 7919)).run(index);
    });
  }
});

/** All captures of one program. */
class Trial {
  readonly #machine: Machine;
  readonly #program: BusyProgram;
  readonly #expected: string;
  readonly #random: Random;
  /** How long a run takes; adapted to what runs take beside others. */
  #runMs = 0;
  #captures = 0;

  constructor(machine: Machine, program: BusyProgram, expected: string, random: Random) {
    this.#machine = machine;
    this.#program = program;
    this.#expected = expected;
    this.#random = random;
  }

  async run(core: number): Promise<void> {
    await this.#measure(core);
    while (this.#captures < CAPTURES) {
      const begun = performance.now();
      const original = await this.#machine.boot(this.#program, core);
      const cuts = await this.#cut(original, CAPTURES_PER_RUN, this.#runMs);
      await this.#finish(original, 0, 'the captured run');
      this.#runMs = performance.now() - begun;
      for (const cut of cuts) await this.#clones(cut, 0, core + 1);
    }
  }

  async #measure(core: number): Promise<void> {
    const begun = performance.now();
    await this.#finish(await this.#machine.boot(this.#program, core), 0, 'an undisturbed run');
    this.#runMs = performance.now() - begun;
  }

  /** Captures a run at most so often, at random instants of the time that it is likely to have left. */
  async #cut(run: Run, most: number, leftMs: number): Promise<Cut[]> {
    const instants = Array.from({ length: most }, () => this.#random.next() * leftMs).sort((a, b) => a - b);
    const cuts: Cut[] = [];
    const begun = performance.now();
    for (const instant of instants) {
      await pause(Math.max(0, instant - (performance.now() - begun)));
      const cut = run.over ? undefined : await run.capture(this.#machine.nextSnapshot());
      if (cut === undefined) break;
      cuts.push(cut);
      this.#captures += 1;
    }
    return cuts;
  }

  /** Every clone of a snapshot must write what is left, though it may be captured in its turn. */
  async #clones(cut: Cut, before: number, core: number): Promise<void> {
    const done = before + cut.bytes;
    const again = this.#random.next() < AGAIN;
    const count = this.#random.next() < TWICE ? 2 : 1;
    const clones = await Promise.all(
      Array.from({ length: count }, (_, i) => this.#machine.deploy(cut.number, core + i)),
    );
    const left = this.#runMs * (1 - done / this.#expected.length);
    const cuts = again ? await this.#cut(clones[0] as Run, 1, left) : [];
    const at = cut.captured.rip.toString(16);
    const where = `a clone of snapshot ${cut.number}, taken at ${at} after ${done} bytes`;
    for (const clone of clones) await this.#finish(clone, done, where);
    for (const next of cuts) await this.#clones(next, done, core + 1);
    await this.#machine.drop(cut.number);
  }

  async #finish(run: Run, done: number, what: string): Promise<void> {
    const end = await run.ended;
    assert.equal(run.output, this.#expected.slice(done), `${this.#program.name}: output of ${what}`);
    assert.deepEqual(end, { type: 'exited', status: 0 }, `${this.#program.name}: end of ${what}`);
  }
}
