/**
 * Captures where they are hard: of guests that are at odd places on purpose, that end meanwhile,
 * that have only just started; several at once; with a timer that falls due before the deploy.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { libosPath, packageDir } from '../../src/contract/paths.ts';
import { errnoOf } from '../../src/tender/tender-error.ts';
import { type Cut, Machine, type Run } from './machine.ts';
import { BUSY_ENV, busyPrograms, stray } from './programs.ts';
import { Random } from './random.ts';

const STRESS = process.env.SEUSS_STRESS === '1';
const SEED = Number(process.env.SEUSS_SEED ?? Date.now() % 1_000_000);
const ROUNDS = STRESS ? 40 : 4;
const DOT_BYTES = 2;
const TIMER_S = 2;
/* Of an ELF file: its first program header, and in that the segment's place in the file. */
const PROGRAM_HEADER = 64;
const OFFSET_FIELD = 8;
const { EAGAIN, EEXIST, ESRCH } = constants.errno;
/** That may end by themselves before one is refused. */
const GUESTS_MAX = 8;

let machine: Machine;
before(async () => {
  machine = await Machine.start();
});
after(() => machine?.close());

async function captured(run: Run): Promise<Cut> {
  const cut = await run.capture(machine.nextSnapshot());
  assert(cut !== undefined, `the guest has ended: ${run.output}`);
  return cut;
}

/** A clone goes on to write dots. */
async function assertCloneWrites(cut: Cut, core: number): Promise<void> {
  const clone = await machine.deploy(cut.number, core);
  await clone.written(2 * DOT_BYTES);
  assert.equal(clone.over, false, `the clone has ended: ${clone.output}`);
  await clone.tender.kill(clone.id);
  assert.match(clone.output, /^(\.\n)+$/);
  await machine.drop(cut.number);
}

describe('a guest can be captured', { concurrency: 2 }, () => {
  for (const place of ['without-stack', 'moved-stack', 'clock', 'faults']) {
    it(`at an odd place: ${place}`, async () => {
      const run = await machine.boot(stray(place), 0);
      await run.written(DOT_BYTES);
      for (let i = 0; i < ROUNDS; i++) {
        const cut = await captured(run);
        await assertCloneWrites(cut, i);
        await run.written(cut.bytes + DOT_BYTES);
      }
      assert.equal(run.over, false, run.output);
      await run.tender.kill(run.id);
    });
  }

  it('as soon as it has started, and its clones as soon as they have', async () => {
    const program = busyPrograms().find(({ name }) => name === 'memory.c');
    assert(program !== undefined);
    const expected = execFileSync(program.native[0] as string, { env: BUSY_ENV, encoding: 'latin1' });
    for (let i = 0; i < ROUNDS; i++) {
      const run = await machine.boot(program, i);
      const first = await captured(run);
      const clone = await machine.deploy(first.number, i + 1);
      const second = await captured(clone);
      const last = await machine.deploy(second.number, i);
      for (const [one, done] of [
        [run, 0],
        [clone, first.bytes],
        [last, first.bytes + second.bytes],
      ] as const) {
        assert.deepEqual(await one.ended, { type: 'exited', status: 0 });
        assert.equal(one.output, expected.slice(done));
      }
      await machine.drop(second.number);
      await machine.drop(first.number);
    }
  });

  it('several times at once, under a number that is free', async () => {
    const run = await machine.boot(stray('without-stack'), 1);
    await run.written(DOT_BYTES);
    const cuts = await Promise.all([captured(run), captured(run), captured(run)]);
    const taken = run.tender.captureLive(run.id, cuts[0].number);
    await assert.rejects(taken, (error) => errnoOf(error) === EEXIST);
    for (const cut of cuts) await assertCloneWrites(cut, 0);
    await run.tender.kill(run.id);
  });
});

describe('a guest that cannot be captured', () => {
  /** In the stack of the host's signal handlers, as abi/libos.h has it in the header of the library OS. */
  function alternateStack(): bigint {
    const text = readFileSync(join(packageDir, 'abi/libos.h'), 'utf8');
    const fields = text.slice(text.indexOf('struct libos_header {')).matchAll(/uint(32|64)_t ([^;]+);/g);
    const image = readFileSync(libosPath);
    let at = Number(image.readBigUInt64LE(PROGRAM_HEADER + OFFSET_FIELD));
    for (const [, bits, names = ''] of fields) {
      for (const name of names.split(', ')) {
        if (name === 'altstack_base') return image.readBigUInt64LE(at) + 8192n;
        at += Number(bits) / 8;
      }
    }
    throw new Error('abi/libos.h names no alternate stack');
  }

  /**
   * A guest that was refused there. One whose library OS takes a signal meanwhile ends by it, for
   * that writes to the same stack: it does not count.
   */
  async function refusedAt(place: string): Promise<{ run: Run; error: Error | undefined }> {
    for (let guests = 1; ; guests++) {
      const run = await machine.boot(stray('stack-at', place), 0);
      await run.written(DOT_BYTES);
      // On its way there it still can be captured.
      let error: Error | undefined;
      for (let i = 0; i < 20 && error === undefined; i++) {
        error = await run.tender.captureLive(run.id, machine.nextSnapshot()).then(
          () => undefined,
          (reason: Error) => reason,
        );
      }
      if (errnoOf(error) !== ESRCH || guests === GUESTS_MAX) return { run, error };
    }
  }

  it('keeps its stack pointer where nobody can follow: this is said, and it runs on', async () => {
    const place = alternateStack().toString(16);
    const other = await machine.boot(stray('clock'), 0);
    await other.written(DOT_BYTES);
    const { run, error } = await refusedAt(place);
    assert(
      errnoOf(error) === EAGAIN && /no instruction at which it can be captured/.test(String(error)),
      String(error),
    );
    assert.equal(run.over, false);
    await assertCloneWrites(await captured(other), 1);
    await Promise.all([run.tender.kill(run.id), other.tender.kill(other.id)]);
  });

  it('has not started yet, or is there no more', async () => {
    const program = stray('clock');
    const booted = machine.boot(program, 0);
    const run = await booted;
    await run.tender.kill(run.id);
    assert.equal(await run.capture(machine.nextSnapshot()), undefined);
  });

  it('ends while it is captured: either it was captured before, or its end is told', async () => {
    const random = new Random(SEED);
    const tally = { captured: 0, ended: 0 };
    for (let i = 0; i < 8 * ROUNDS; i++) {
      const how = ['exit', 'crash', 'stop'][i % 3] as string;
      const afterUs = Math.floor(random.next() * 3000);
      const run = await machine.boot(stray('end', String(afterUs), how), i);
      const number = machine.nextSnapshot();
      const cut = await run.capture(number);
      tally[cut === undefined ? 'ended' : 'captured'] += 1;
      const runs = cut === undefined ? [run] : [run, await machine.deploy(number, i)];
      for (const one of runs) {
        const end = await one.ended;
        const expected =
          how === 'exit'
            ? { type: 'exited', status: 7 }
            : { type: 'signalled', signal: how === 'crash' ? 11 : 9 };
        assert.deepEqual(end, expected, `SEUSS_SEED=${SEED} ${how} after ${afterUs} us`);
      }
      if (cut !== undefined) await machine.drop(number);
    }
    assert(tally.captured > 0, JSON.stringify(tally));
  });

  it('is killed at the same time', async () => {
    for (let i = 0; i < 4 * ROUNDS; i++) {
      const run = await machine.boot(stray('without-stack'), i);
      await run.written(DOT_BYTES);
      const number = machine.nextSnapshot();
      const calls = [() => run.tender.kill(run.id), () => run.capture(number)];
      const [, cut] = await Promise.all((i % 2 ? calls : calls.toReversed()).map((call) => call()));
      assert.equal((await run.ended).type, 'killed');
      if (cut !== undefined) await machine.drop(number);
    }
  });
});

describe('a clone', () => {
  it('finds at once, and once, that a timer has run out since the capture', async () => {
    const run = await machine.boot(stray('timer', String(TIMER_S)), 0);
    await run.written('sleeps\n'.length);
    // From here on it has only to begin its sleep, which a clone captured before that would do itself.
    while ((await run.tender.stat(run.id)).state !== 'S');
    const cut = await captured(run);
    // The timer of the captured one is a sleep as good as any.
    assert.deepEqual(await run.ended, { type: 'exited', status: 0 });
    const due = Number(run.output.split('\n')[1]);
    for (let i = 0; i < 2; i++) {
      const deployedMs = Number(process.hrtime.bigint() / 1_000_000n);
      const clone = await machine.deploy(cut.number, i);
      assert.deepEqual(await clone.ended, { type: 'exited', status: 0 });
      assert.match(clone.output, /^\d+\n$/);
      const fired = Number(clone.output);
      assert(
        fired >= due - 1 && fired < deployedMs + (TIMER_S * 1000) / 2,
        `due ${due}, deployed ${deployedMs}, fired ${fired}`,
      );
    }
    await machine.drop(cut.number);
  });
});
