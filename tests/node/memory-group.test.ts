import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageDir } from '../../src/contract/paths.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { PYTHON, sourceAction } from '../support/actions.ts';
import { descendants } from '../support/processes.ts';

const WAIT_MS = 20_000;

/**
 * The directory of the memory cgroup that a node has made for its contexts; undefined where the
 * host grants none.
 */
function groupOf(pid: number): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  for (const below of descendants(pid)) {
    const path = memoryGroup(below, mounts);
    if (path?.includes('/seuss-')) return path;
  }
  return undefined;
}

function memoryGroup(pid: number, mounts: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return undefined;
  }
  const path = (/^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(text) ?? /^0::(.*)$/m.exec(text))?.[1];
  const [, point] =
    / \/ (\S+) .* - cgroup \S+ \S*memory/.exec(mounts) ?? / \/ (\S+) .* - cgroup2 /.exec(mounts) ?? [];
  return path === undefined || point === undefined ? undefined : join(point, path);
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!holds()) {
    assert.ok(performance.now() < end, 'it did not come about');
    await sleep(10);
  }
}

it('contexts are in a memory cgroup of their node, which goes with it', async (context) => {
  const node = await startComputeNode({ cores: 1, preboot: [PYTHON] });
  try {
    assert.equal(
      (await node.invoke(sourceAction(PYTHON, 'def main(args):\n    return {}'), {})).status,
      'success',
    );
    const group = groupOf(process.pid);
    if (group === undefined) return context.skip('the host grants none');
    assert.ok(existsSync(group));
    await node.close();
    assert.equal(existsSync(group), false);
  } finally {
    await node.close();
  }
});

it('a node removes what one that was killed has left', async (context) => {
  const script = join(packageDir, 'tests', 'support', 'busy-node.ts');
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const group = groupOf(child.pid as number);
  const processes = descendants(child.pid as number);
  child.kill('SIGKILL');
  await once(child, 'exit');
  if (group === undefined) return context.skip('the host grants none');
  await until(() => processes.every((pid) => !existsSync(`/proc/${pid}`)));
  // Any node that starts on the machine removes it: often it is another test's, before this one.
  const next = await startComputeNode({ cores: 1 });
  try {
    assert.equal(existsSync(group), false);
  } finally {
    await next.close();
  }
});
