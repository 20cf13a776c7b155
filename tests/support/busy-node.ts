/** A node with idle and busy contexts that says so on stdout, and then waits to be killed. */
import { startComputeNode } from '../../src/node/start-node.ts';
import { sourceAction } from './actions.ts';

const kind = process.argv[2] ?? 'python:3.11';
const node = await startComputeNode({ preboot: [kind] });
const actions = Array.from({ length: 20 }, () => sourceAction(kind, 'def main(args):\n    return {}'));
await Promise.all(actions.map((action) => node.invoke(action, {})));
const loop = sourceAction(kind, 'def main(args):\n    while args: pass\n    return {}');
await node.invoke(loop, {});
node.invoke(loop, { for: 'ever' }).catch(() => undefined);
console.log('busy');
