import assert from 'node:assert/strict';
import type { Action } from '../../src/contract/action.ts';
import type { Activation } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';

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
