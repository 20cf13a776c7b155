/** Processes of the node's tenders are killed: what that costs, and what comes back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { ComputeNodeOptions } from '../../src/contract/options.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { PYTHON, sourceAction } from '../support/actions.ts';
import { alive, descendants } from '../support/processes.ts';
import { allStored, openNode, storeFolder } from '../support/stores.ts';
import { busiestContext, tenderProcesses } from '../support/tenders.ts';

const ECHO = 'def main(args):\n    return args';
const LOOP = 'def main(args):\n    while args.get("loop"): pass\n    return {"ended": True}';

async function openPython(t: TestContext, options: ComputeNodeOptions = {}): Promise<ComputeNode> {
  const node = await startComputeNode({ preboot: [PYTHON], cores: 2, ...options });
  t.after(() => node.close());
  return node;
}

function kill(...pids: (number | undefined)[]): void {
  for (const pid of pids) {
    assert.ok(pid !== undefined);
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // One of those before has taken it along.
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  }
}

/** Resolves once so many invocations are at work in a context. */
async function running(node: ComputeNode, count: number): Promise<void> {
  while (node.running().filter(({ phase }) => phase === 'running').length < count) {
    await sleep(5);
  }
}

async function inOrder(node: ComputeNode): Promise<void> {
  while (node.fault() !== undefined) {
    await sleep(5);
  }
}

function assertLost({ status, result }: Activation): void {
  assert.equal(status, 'whisk internal error');
  assert.match((result as { error: string }).error, /the context's host process ended/);
}

/** Invocations of which each runs on a core of its own, since it keeps it. */
async function loops(node: ComputeNode, count: number, signal?: AbortSignal): Promise<Promise<Activation>[]> {
  const under = Array.from({ length: count }, async (_, i) => {
    const action = sourceAction(PYTHON, LOOP);
    await node.invoke(action, {});
    return { action, id: `loop-${i}` };
  });
  const started = (await Promise.all(under)).map(({ action, id }) =>
    node.invoke(action, { loop: true }, { id, ...(signal && { signal }) }),
  );
  await running(node, count);
  return started;
}

const KINDS = ['outer', 'tenders', 'zygotes'] as const;

/** Resolves once there are processes of two cores again, and both know all snapshots. */
async function mended(node: ComputeNode): Promise<void> {
  do {
    await sleep(10);
  } while (node.stats().cores.complete !== 2 || KINDS.some((kind) => tenderProcesses()[kind].length !== 2));
}

describe('a node of whose tenders one dies', () => {
  it('loses nothing of the other cores, and no snapshot', async (t) => {
    const node = await openPython(t);
    const actions = Array.from({ length: 6 }, () => sourceAction(PYTHON, ECHO));
    await Promise.all(actions.map((action) => node.invoke(action, {})));
    const stop = new AbortController();
    const under = await loops(node, 2, stop.signal);
    const { cold, snapshots } = node.stats();
    for (const [round, kind] of KINDS.entries()) {
      const victims = tenderProcesses()[kind];
      assert.equal(victims.length, 2, kind);
      kill(victims[round % 2]);
      if (round === 0) {
        assertLost(await Promise.race(under));
        assert.equal(node.running().length, 1);
      }
      const answers = await Promise.all(actions.map((action, n) => node.invoke(action, { n })));
      for (const [n, activation] of answers.entries()) {
        if (activation.status === 'success') assert.deepEqual(activation.result, { n });
        // It was on its way to a context of the dead.
        else assertLost(activation);
      }
      await mended(node);
    }
    for (const action of actions) {
      await node.dropIdle(action);
      assert.equal((await node.invoke(action, {})).path, 'warm');
    }
    stop.abort();
    await Promise.allSettled(under);
    assert.equal(node.stats().cold, cold);
    const ids = (all: typeof snapshots) => all.map(({ id }) => id).sort();
    assert.deepEqual(ids(node.stats().snapshots), ids(snapshots));
  });
});

describe('a node whose tenders all die', () => {
  it('fails what ran there once, and answers all else', async (t) => {
    const faults: string[] = [];
    const node = await openPython(t, { onFault: (message) => faults.push(message) });
    for (const kind of KINDS) {
      const echo = sourceAction(PYTHON, ECHO);
      await node.invoke(echo, {});
      const lost = await loops(node, 2);
      const victims = tenderProcesses()[kind];
      assert.equal(victims.length, 2, kind);
      kill(...victims);
      for (const activation of await Promise.all(lost)) {
        assertLost(activation);
      }
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          node.invoke(n % 2 === 0 ? echo : sourceAction(PYTHON, ECHO), { n }),
        ),
      );
      assert.deepEqual(
        answers.map(({ result }) => result),
        Array.from({ length: 12 }, (_, n) => ({ n })),
      );
      await mended(node);
      const { busyUcs, queued, snapshots } = node.stats();
      assert.deepEqual([busyUcs, queued], [0, 0]);
      assert.equal(snapshots.filter(({ kind }) => kind === 'runtime').length, 1);
    }
    assert.match(faults.join('\n'), /a new tender is started\n(.*\\n)*.*mended/);
  });

  it('tries again what had not begun, and the client does not notice', async (t) => {
    const node = await openPython(t);
    const warm = sourceAction(PYTHON, ECHO);
    await node.invoke(warm, {});
    await node.dropIdle(warm);
    const processes = Object.values(tenderProcesses()).flat();
    for (const pid of processes) {
      process.kill(pid, 'SIGSTOP');
    }
    const invocations = Array.from({ length: 12 }, (_, n) =>
      node.invoke(n % 2 === 0 ? warm : sourceAction(PYTHON, ECHO), { n }),
    );
    await sleep(20);
    kill(...processes);
    for (const [n, { status, result }] of (await Promise.all(invocations)).entries()) {
      assert.deepEqual([status, result], ['success', { n }]);
    }
  });

  it('starts functions from its store again', async (t) => {
    const node = await openNode(storeFolder(t), { preboot: [PYTHON], cores: 2 });
    t.after(() => node.close());
    const action = sourceAction(PYTHON, ECHO);
    await node.invoke(action, {});
    await allStored(node);
    kill(...tenderProcesses().outer);
    await sleep(0);
    while (node.fault() === undefined) {
      await sleep(1);
    }
    const { path, result } = await node.invoke(action, { a: 1 });
    assert.deepEqual([path, result], ['warm', { a: 1 }]);
    assert.deepEqual(node.reports.steps.slice(-1), [`Restored ${PYTHON}`]);
    assert.deepEqual(node.reports.warnings, []);
    assert.equal(node.stats().store?.rejected, 0);
  });

  it('goes on although they are killed at any moment of its work', async (t) => {
    const node = await openPython(t, { onFault: () => undefined });
    const actions = Array.from({ length: 6 }, (_, i) =>
      sourceAction(PYTHON, ECHO, {
        policy: { startsFrom: (['reuse', 'reset', 'fresh'] as const)[i % 3] ?? 'reuse', specialize: [] },
      }),
    );
    let over = false;
    let failed = 0;
    const client = async (action: Action): Promise<void> => {
      for (let n = 0; !over; n++) {
        const { status, result } = await node.invoke(action, { n });
        if (status === 'success') assert.deepEqual(result, { n });
        else failed += 1;
      }
    };
    const clients = actions.map(client);
    const rounds = 4;
    for (let round = 0; round < rounds; round++) {
      await sleep(30 + 40 * round);
      const processes = Object.values(tenderProcesses()).flat();
      const victim = processes[(round * 7) % processes.length];
      if (victim !== undefined) kill(victim);
      await sleep(1);
      await inOrder(node);
    }
    over = true;
    await Promise.all(clients);
    assert.ok(failed <= rounds * actions.length, `${failed} failed`);
    for (const action of actions) {
      assert.deepEqual((await node.invoke(action, { a: 1 })).result, { a: 1 });
    }
    while (node.stats().busyUcs > 0) {
      await sleep(5);
    }
    assert.equal(node.stats().queued, 0);
  });

  it('leaves no process behind when it is closed in the middle', async () => {
    for (const delayMs of [0, 40]) {
      const before = new Set(descendants(process.pid));
      const node = await startComputeNode({ preboot: [PYTHON], cores: 2 });
      const invocation = node.invoke(sourceAction(PYTHON, LOOP), { loop: true }).catch((error) => error);
      kill(...tenderProcesses().outer);
      await sleep(delayMs);
      await node.close();
      await invocation;
      assert.deepEqual(
        descendants(process.pid).filter((pid) => !before.has(pid) && alive(pid)),
        [],
      );
    }
  });
});

describe('a node that cannot be mended', () => {
  it('says so to all who wait and ask, and can be closed', { timeout: 60_000 }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'seuss-faults-'));
    const before = process.env.TMPDIR;
    process.env.TMPDIR = dir;
    t.after(() => {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    });
    const node = await openPython(t);
    const action = sourceAction(PYTHON, ECHO);
    await node.invoke(action, {});
    rmSync(dir, { recursive: true });
    kill(...tenderProcesses().outer);
    while (node.fault() === undefined) {
      await sleep(1);
    }
    const waiting = node.invoke(action, {});
    const isFailure = (error: unknown) => error instanceof PlatformError && error.code === 'node_failed';
    await assert.rejects(waiting, isFailure);
    const failure = await node.failed;
    assert.match(failure.message, /cannot be mended.*no socket/);
    assert.equal(node.fault(), failure);
    await assert.rejects(node.invoke(action, {}), isFailure);
  });
});

describe('a context that is killed by somebody else', () => {
  it('fails its invocation once', async (t) => {
    const node = await openPython(t, { cores: 1 });
    const [lost] = await loops(node, 1);
    kill(busiestContext());
    const { status, result } = await (lost as Promise<Activation>);
    assert.equal(status, 'action developer error');
    assert.match((result as { error: string }).error, /exited unexpectedly/);
    assert.equal(node.fault(), undefined);
    const idle = sourceAction(PYTHON, LOOP);
    await node.invoke(idle, {});
    assert.equal((await node.invoke(idle, {})).path, 'hot');
  });
});
