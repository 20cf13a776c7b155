import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assault } from '../../src/bench/hostile/assault.ts';
import type { Attack } from '../../src/bench/hostile/attack.ts';
import { Attacker } from '../../src/bench/hostile/attacker.ts';
import { ATTACKS } from '../../src/bench/hostile/catalogue.ts';
import { heldBy } from '../../src/bench/hostile/held-memory.ts';
import { Honest } from '../../src/bench/hostile/honest.ts';
import { peakDuring } from '../../src/bench/hostile/peak.ts';
import { becomesQuiet, heldInTheEnd } from '../../src/bench/hostile/settle.ts';
import { type Served, serveAs, USERS, type User } from '../support/served-as.ts';

/** An answer to others that takes longer is lost. A busy machine is no fault of the node's. */
const ANSWER_MS = 10_000;
const QUIET_MS = 30_000;
const COLLECT_MS = 2000;
/** Threads that nobody needs any more keep their memory for a while. */
const GIVEN_BACK_MS = 60_000;
/**
 * After all attacks, one after the other on one node: its allocator keeps some of what each has
 * used. The bench has the bar of one.
 */
const GROWN_BYTES_MAX = 192 * 1024 * 1024;

/** Enough to see that an ordinary user's node, which has other walls, withstands the same. */
const AS_ORDINARY_USER = ['exit', 'fault', 'refused-host-call', 'spin'];

function attacksOf(user: User): readonly Attack[] {
  const few = user !== USERS[0];
  return ATTACKS.filter(
    ({ name, nodeMemory }) => nodeMemory === undefined && (!few || AS_ORDINARY_USER.includes(name)),
  );
}

for (const user of USERS) {
  describe(`a node of ${user} withstands`, () => {
    let served: Served;
    let honest: Honest;
    let heldBefore: number;
    before(async () => {
      served = await serveAs(user);
      honest = await Honest.start(served.server, ANSWER_MS);
      heldBefore = await heldWithoutHonest(served, honest, 0, COLLECT_MS);
      await honest.arrive();
    });
    after(async () => {
      await honest?.stop();
      await served?.close();
    });

    for (const attack of attacksOf(user)) {
      it(`${attack.name}: ${attack.promise}`, () => withstands(attack, served, honest));
    }

    it('all of them without growing', async () => {
      const wanted = heldBefore + GROWN_BYTES_MAX;
      const grown = (await heldWithoutHonest(served, honest, wanted, GIVEN_BACK_MS)) - heldBefore;
      assert.ok(grown <= GROWN_BYTES_MAX, `${grown} bytes are left of them`);
    });
  });
}

for (const attack of ATTACKS.filter(({ nodeMemory }) => nodeMemory !== undefined)) {
  describe(`a node with ${attack.nodeMemory} withstands`, () => {
    it(`${attack.name}: ${attack.promise}`, async () => {
      const served = await serveAs(USERS[0], { memory: attack.nodeMemory as string });
      const honest = await Honest.start(served.server, ANSWER_MS);
      try {
        await withstands(attack, served, honest);
      } finally {
        await honest.stop();
        await served.close();
      }
    });
  });
}

/** No record of an attack is left then, and no context of an honest function is there. */
async function heldWithoutHonest(
  { server }: Served,
  honest: Honest,
  wantedBytes: number,
  deadlineMs: number,
): Promise<number> {
  const { told } = await honest.fillRecords();
  assert.deepEqual(told, []);
  await honest.retreat();
  assert.ok(await becomesQuiet(server.pid, QUIET_MS));
  return await heldInTheEnd(server, wantedBytes, deadlineMs);
}

async function withstands(attack: Attack, { server }: Served, honest: Honest): Promise<void> {
  const held = heldBy(server.pid).bytes;
  const attacker = new Attacker(server, attack);
  await attacker.prepare();
  const { beside, done } = await honest.beside(() =>
    peakDuring(server.pid, () => assault(attack, attacker, { forMs: 0, firstRound: 0 })),
  );
  const quiet = await becomesQuiet(server.pid, QUIET_MS);
  await attacker.leave();
  assert.ok(quiet, 'nothing of it goes on');
  assert.deepEqual(done.done.faults, []);
  assertPeak(attack, done.peakBytes - held);
  assert.deepEqual(beside.told, [], 'no answer to others is lost');
}

function assertPeak(attack: Attack, grown: number): void {
  assert.ok(grown <= attack.peakBytes, `${grown} bytes at its peak, ${attack.peakBytes} allowed`);
}
