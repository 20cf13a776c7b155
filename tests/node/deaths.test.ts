/**
 * Each tender, and what is around and below it, killed again and again under load; 20 times each
 * with SEUSS_STRESS=1.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';
import { allStored, openNode, type StoredNode } from '../support/stores.ts';
import { tenderProcesses } from '../support/tenders.ts';

const STRESS = process.env.SEUSS_STRESS !== undefined;
const TIMES = STRESS ? 20 : 2;
const KINDS = STRESS ? [NODEJS, PYTHON] : [PYTHON];
const FUNCTIONS = 12;
const CLIENTS = 4;
/** Ten times what it should take, for machines that have other things to do. */
const DEADLINE_MS = 10_000;

function functions(): Action[] {
  return Array.from({ length: FUNCTIONS }, (_, i) => {
    const kind = KINDS[i % KINDS.length] as string;
    const source =
      kind === PYTHON ? 'def main(args):\n    return args' : 'function main(args) { return args }';
    return sourceAction(kind, source);
  });
}

let dir: string;
let node: StoredNode;
let mends = 0;
const actions = functions();

/**
 * Clients that invoke one function after the other, until they are stopped; how many invocations
 * failed with their host.
 */
class Load {
  readonly #clients: Promise<void>[];
  #over = false;
  answered = 0;
  failed = 0;

  constructor() {
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => this.#run(i));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#clients);
  }

  async #run(first: number): Promise<void> {
    for (let n = first; !this.#over; n++) {
      const { status, result } = await node.invoke(actions[n % actions.length] as Action, { n });
      if (status === 'success') {
        assert.deepEqual(result, { n });
        this.answered += 1;
      } else {
        assert.match(JSON.stringify(result), /the context's host process ended/);
        this.failed += 1;
      }
    }
  }
}

/** How long it takes until each function has given an answer of its own, from now on. */
async function allAnswer(): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    actions.map(async (action, n) => {
      while ((await node.invoke(action, { n })).status !== 'success') {
        // It was on its way to a context of the dead.
      }
    }),
  );
  return performance.now() - begun;
}

/** Resolves when the node has been mended more often than that, and all tenders know all snapshots. */
async function mendedAfter(before: number): Promise<void> {
  while (mends === before || node.stats().cores.complete < 2) {
    await sleep(5);
  }
}

async function killAndMeasure(
  t: TestContext,
  title: string,
  victims: () => (number | undefined)[],
): Promise<void> {
  const load = new Load();
  const took: number[] = [];
  let killed = 0;
  for (let round = 0; round < TIMES; round++) {
    const before = mends;
    const pids = victims();
    for (const pid of pids) {
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    took.push(await allAnswer());
    await mendedAfter(before);
  }
  await load.stop();
  assert.ok(Math.max(...took) < DEADLINE_MS, `${title}: ${took}`);
  // What was under way there, at most one of each client and one of each function.
  assert.ok(load.failed <= killed * CLIENTS, `${load.failed} of ${load.answered} failed`);
  const sorted = took.toSorted((a, b) => a - b).map(Math.round);
  t.diagnostic(
    `${title}, ${TIMES} times: all answered within ${sorted.at(-1)} ms, median ${sorted[TIMES >> 1]} ms`,
  );
}

before(async () => {
  dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'seuss-deaths-'));
  node = await openNode(dir, {
    preboot: KINDS,
    cores: 2,
    onFault: (message) => {
      mends += Number(/mended/.test(message));
    },
  });
  await Promise.all(actions.map((action) => node.invoke(action, {})));
  await allStored(node);
});
after(async () => {
  await node?.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('functions answer while, again and again, somebody kills', () => {
  for (const core of [0, 1]) {
    it(`the tender of core ${core}`, { timeout: 600_000 }, (t) =>
      killAndMeasure(t, `tender ${core}`, () => [tenderProcesses().tenders[core]]),
    );
    it(`what is around the tender of core ${core}`, { timeout: 600_000 }, (t) =>
      killAndMeasure(t, `around tender ${core}`, () => [tenderProcesses().outer[core]]),
    );
  }

  it('what makes contexts', { timeout: 600_000 }, (t) =>
    killAndMeasure(t, 'zygote', () => [tenderProcesses().zygotes[1]]),
  );

  it('all tenders at once', { timeout: 600_000 }, (t) =>
    killAndMeasure(t, 'all tenders', () => tenderProcesses().tenders),
  );

  it('stops a tender for good', { skip: !STRESS && 'takes half a minute', timeout: 120_000 }, async () => {
    const before = mends;
    process.kill(tenderProcesses().tenders[1] as number, 'SIGSTOP');
    const answered = allAnswer();
    await mendedAfter(before);
    await answered;
  });
});
