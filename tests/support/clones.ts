import assert from 'node:assert/strict';
import { setTimeout as pass } from 'node:timers/promises';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { sourceAction } from './actions.ts';

export const CLONES = 5;
/** Time that passes between a capture and a deploy, many periods of the timers of the tests. */
const GAP_MS = 120;
/** Between the clock of the host and one that was read in a UC on a busy machine. */
export const CLOCK_SLACK_MS = 5000;

export type Answer = Record<string, unknown>;

export function answerOf({ status, result }: Activation): Answer {
  assert.equal(status, 'success', JSON.stringify(result));
  return result as Answer;
}

/**
 * What each of several UCs says that start from one snapshot of the function, the one that was
 * captured among them.
 */
export async function answersOfClones(node: ComputeNode, action: Action, clones: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < clones; i++) {
    const activation = await node.invoke(action, {});
    answers.push(answerOf(activation));
    assert.equal(activation.path, i === 0 ? 'cold' : 'warm');
    await node.dropIdle(action);
  }
  return answers;
}

/** Under each name, no two have answered the same. */
export function assertAllDiffer(answers: readonly Answer[]): void {
  for (const name of Object.keys(answers[0] ?? {})) {
    const values = new Set(answers.map((answer) => JSON.stringify(answer[name])));
    assert.equal(values.size, answers.length, `${name}: ${[...values]}`);
  }
}

export async function assertClonesDiffer(node: ComputeNode, kind: string, source: string): Promise<void> {
  const action = sourceAction(kind, source);
  assertAllDiffer(await answersOfClones(node, action, CLONES));
  await node.forget(action);
}

/** What a clone says that starts after the gap. */
export async function answerAfterGap(node: ComputeNode, action: Action): Promise<Answer> {
  answerOf(await node.invoke(action, {}));
  await node.dropIdle(action);
  await pass(GAP_MS);
  const activation = await node.invoke(action, {});
  assert.equal(activation.path, 'warm');
  await node.forget(action);
  return answerOf(activation);
}

/** Answers of a context that is put back again and again, and of clones of a run that stops at `half`. */
export async function assertStartsDiffer(node: ComputeNode, kind: string, source: string): Promise<void> {
  const action = sourceAction(kind, source, { policy: { startsFrom: 'reset', specialize: [] } });
  const answers: Answer[] = [];
  for (let run = 0; run < 2 * CLONES; run++) {
    answers.push(answerOf(await node.invoke(action, {})));
  }
  assertAllDiffer(answers);
  await node.forget(action);

  const half = sourceAction(kind, source);
  const paths = new Set<string>();
  const later: Answer[] = [];
  for (let run = 0; run < 2 * CLONES; run++) {
    const activation = await node.invoke(half, { half: true });
    paths.add(activation.path);
    later.push(answerOf(activation));
    await node.dropIdle(half);
  }
  assert.ok(paths.has('argument'), [...paths].join());
  assertAllDiffer(later);
  await node.forget(half);
}
