/** Runs that are captured while they go on, and clones of them. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotInfo } from '../../src/contract/snapshot.ts';
import type { JsonValue } from '../../src/json/json-text.ts';

export const PYTHON_WAITS = `import time\ndef main(args):\n    time.sleep(0.25)\n    return {'done': True}`;

let lastId = 0;

export function nextId(): string {
  return `run-${++lastId}`;
}

export interface CapturedRun {
  readonly plain: Activation;
  readonly snapshots: readonly SnapshotInfo[];
}

export async function untilItRuns(node: ComputeNode, id: string): Promise<void> {
  while (node.running().every((running) => running.id !== id || running.phase !== 'running')) {
    await turn();
  }
}

/** Runs a function and captures it as often as that goes while it runs, up to `most` times. */
export async function capturedRun(
  node: ComputeNode,
  action: Action,
  params: JsonValue,
  most: number,
): Promise<CapturedRun> {
  const id = nextId();
  const running = node.invoke(action, params, { id });
  const snapshots: SnapshotInfo[] = [];
  await untilItRuns(node, id);
  try {
    while (snapshots.length < most) {
      snapshots.push(await node.capture(id));
    }
  } catch (error) {
    assert.match((error as { code: string }).code, /^(not_running|unknown_activation)$/, String(error));
  }
  return { plain: await running, snapshots };
}

export async function drop(node: ComputeNode, snapshots: readonly SnapshotInfo[]): Promise<void> {
  await Promise.all(snapshots.map(({ id }) => node.dropSnapshot(id)));
}

export const linesOf = ({ logs }: Activation): string[] => logs.map(({ line }) => line);

/** A clone says what the captured run said after the capture, and gives the same answer. */
export function assertGoesOn(resumed: Activation, plain: Activation): void {
  assert.deepEqual([resumed.status, resumed.result], [plain.status, plain.result]);
  const [said, all] = [linesOf(resumed), linesOf(plain)];
  assert.deepEqual(said, all.slice(all.length - said.length));
}
