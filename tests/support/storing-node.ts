/**
 * A node that stores one function after the other until it is killed; each number that it prints
 * has been answered.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { numberedAction } from './actions.ts';
import { openNode } from './stores.ts';

const [dir, first] = process.argv.slice(2) as [string, string];
const node = await openNode(dir, { cores: 1 });
console.log('opened');
for (let n = Number(first); ; n++) {
  const { result, path } = await node.invoke(numberedAction(n), {});
  if ((result as { n?: number }).n !== n) {
    throw new Error(`function ${n}, started ${path}, answered ${JSON.stringify(result)}`);
  }
  console.log(n);
  if (n % 4 === 0) {
    // Snapshots become compact, and are stored, while the core is idle.
    await sleep(40);
  }
}
