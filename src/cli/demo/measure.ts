import type { Packager } from '../../action/packager.ts';
import { runPlain } from '../../bench/plain-process.ts';
import { median } from '../../bench/statistics.ts';
import type { Activation } from '../../contract/activation.ts';
import type { ComputeNode } from '../../contract/node.ts';
import type { Example } from './examples.ts';

export interface DemoRow {
  readonly example: Example;
  /** Undefined when the function failed. */
  readonly starts?: { readonly cold: Activation; readonly warm: Activation; readonly hot: Activation };
  /** Milliseconds of an ordinary process that loads and runs the same function. */
  readonly plainMs?: number;
  readonly error?: string;
}

const PLAIN_RUNS = 3;

/** Runs an example by each of the three paths, and in a plain process. */
export async function measureExample(
  node: ComputeNode,
  packager: Packager,
  example: Example,
): Promise<DemoRow> {
  try {
    const action = await packager.fromPath(example.path, {
      kind: example.kind,
      name: `guest/${example.name}`,
    });
    const cold = await node.invoke(action, {});
    await node.dropIdle(action);
    const warm = await node.invoke(action, {});
    const hot = await node.invoke(action, {});
    for (const { status, result } of [cold, warm, hot]) {
      if (status !== 'success') return { example, error: `${status}: ${JSON.stringify(result)}` };
    }
    const plain: number[] = [];
    for (let run = 0; run < PLAIN_RUNS; run++)
      plain.push((await runPlain(example.interpreter, example.path)).ms);
    return { example, starts: { cold, warm, hot }, plainMs: median(plain) };
  } catch (error) {
    return { example, error: error instanceof Error ? error.message : String(error) };
  }
}
