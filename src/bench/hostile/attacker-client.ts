/**
 * A thread with an attacker. In service its client has a machine of its own: here it takes what
 * processor time is left.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type AssaultOrder, assault } from './assault.ts';
import { Attacker } from './attacker.ts';
import { ATTACKS } from './catalogue.ts';
import type { ServerAddress } from './http-client.ts';

/** What the attacker is to do. */
export type AttackerOrder = 'prepare' | 'leave' | AssaultOrder;
/** What came of it, or why nothing did. */
export type AttackerReport = { readonly done: unknown } | { readonly failed: string };

const { server, name } = workerData as { readonly server: ServerAddress; readonly name: string };
const attack = ATTACKS.find((each) => each.name === name);
if (attack === undefined) throw new Error(`there is no attack ${name}`);
const attacker = new Attacker(server, attack);
// Of this thread alone: Linux has a priority for each.
setPriority(0, constants.priority.PRIORITY_LOW);

async function carryOut(order: AttackerOrder): Promise<unknown> {
  if (order === 'prepare') return await attacker.prepare();
  if (order === 'leave') return await attacker.leave();
  return await assault(attack as NonNullable<typeof attack>, attacker, order);
}

parentPort?.on('message', (order: AttackerOrder) => {
  carryOut(order).then(
    (done) => parentPort?.postMessage({ done } satisfies AttackerReport),
    (error: unknown) => parentPort?.postMessage({ failed: String(error) } satisfies AttackerReport),
  );
});
