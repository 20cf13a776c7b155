import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import type { Activation, StartPath } from '../../src/contract/activation.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { HalfwayPointInfo } from '../../src/contract/snapshot.ts';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { NODEJS, PYTHON, sourceAction } from './actions.ts';

export function special(
  kind: string,
  source: string,
  specialize: readonly JsonObject[],
  more: Partial<Action> = {},
): Action {
  return sourceAction(kind, source, { policy: { startsFrom: 'reuse', specialize }, ...more });
}

/** The only half-way point that the node knows of an action. */
export function only(node: ComputeNode, action: Action): HalfwayPointInfo {
  const all = node.halfwayPoints(action);
  assert.equal(all.length, 1);
  return all[0] as HalfwayPointInfo;
}

/** One after the other. */
export async function invokeAll(
  node: ComputeNode,
  action: Action,
  ...params: JsonValue[]
): Promise<Activation[]> {
  const activations: Activation[] = [];
  for (const value of params) activations.push(await node.invoke(action, value));
  return activations;
}

export const paths = (activations: readonly Activation[]): StartPath[] => activations.map(({ path }) => path);
export const results = (activations: readonly Activation[]): JsonValue[] =>
  activations.map(({ result }) => result);

/** Function sources in both languages, with the same behaviour. */
export interface Pair {
  readonly nodejs: string;
  readonly python: string;
}

export function both(
  title: string,
  source: Pair,
  test: (kind: string, source: string) => Promise<void>,
): void {
  for (const [kind, text] of [
    [NODEJS, source.nodejs],
    [PYTHON, source.python],
  ] as const) {
    it(`${title} (${kind})`, () => test(kind, text));
  }
}
