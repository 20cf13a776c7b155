import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server as NetServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Attacker, type Outcome } from '../../src/bench/hostile/attacker.ts';
import type { HostileFunction } from '../../src/bench/hostile/hostile-function.ts';
import { packageDir } from '../../src/contract/paths.ts';
import { type Served, serveAs, USERS } from '../support/served-as.ts';

const PROMISES: HostileFunction = {
  kind: 'python:3.11',
  code: { native: fileURLToPath(new URL('promises.py', import.meta.url)) },
  state: 'fresh',
  timeoutMs: 10_000,
};
/** So many contexts at a time. */
const AT_ONCE = 4;

type Json = Record<string, unknown>;

/** Calls that a context may make (docs/reference/domain-interface.md). */
const ALLOWED = new Set([3, 9, 10, 11, 15, 17, 20, 25, 28, 38, 47, 228, 231, 271]);
/** The host kernel answers them before any filter, and does nothing. */
const UNFILTERED = new Set([335, 336]);
const LAST_CALL = 480;

const MEMORY = 0x4000000000;
const PRIVATE_FIXED_ANONYMOUS = 0x32;
const bits = (count: number): number[] => Array.from({ length: count }, (_, bit) => 2 ** bit);
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Arguments that the list does not allow, each family by all its members. */
const REFUSED: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'close of the link and what is below it': numbers(0, 3).map((fd) => [3, fd]),
  'writev elsewhere than to the link': [0, 1, 2, 4, 5, 255, 2 ** 31].map((fd) => [20, fd]),
  'recvmsg from elsewhere than the link': [0, 1, 2, 4, 5, 255, 2 ** 31].map((fd) => [47, fd]),
  'recvmsg with any other flag': bits(32)
    .filter((flag) => flag !== 0x40 && flag !== 0x40000000)
    .map((flag) => [47, 3, 0, flag]),
  'mmap with any other flag': bits(32)
    .filter((flag) => ![0x02, 0x10, 0x20, 0x4000].includes(flag))
    .map((flag) => [9, MEMORY, 4096, 3, PRIVATE_FIXED_ANONYMOUS | flag, -1, 0]),
  'mmap with any other protection': bits(32)
    .filter((prot) => prot > 4)
    .map((prot) => [9, MEMORY, 4096, prot, PRIVATE_FIXED_ANONYMOUS, -1, 0]),
  'mmap that is not private, not fixed': [0x01, 0x10, 0x02, 0x22, 0x30, 0].map((flags) => [
    9,
    MEMORY,
    4096,
    3,
    flags,
    -1,
    0,
  ]),
  'mmap beyond the context': [2 ** 39, 2 ** 40, 2 ** 46, 2 ** 47 - 4096].flatMap((at) => [
    [9, at, 4096, 3, PRIVATE_FIXED_ANONYMOUS, -1, 0],
    [9, MEMORY, at, 3, PRIVATE_FIXED_ANONYMOUS, -1, 0],
  ]),
  'mprotect with any other bit': bits(32)
    .filter((prot) => prot > 4)
    .map((prot) => [10, MEMORY, 4096, prot]),
  'mremap with other flags': numbers(0, 8)
    .filter((flags) => flags !== 3)
    .map((flags) => [25, MEMORY, 4096, 4096, flags, MEMORY + 8192]),
  'mremap beyond the context': [
    [25, 2 ** 40, 4096, 4096, 3, MEMORY],
    [25, MEMORY, 2 ** 40, 4096, 3, MEMORY],
    [25, MEMORY, 4096, 2 ** 40, 3, MEMORY],
    [25, MEMORY, 4096, 4096, 3, 2 ** 40],
  ],
  'madvise with other advice': [...numbers(1, 1), 3, ...numbers(8, 21), 24, 25, 26, 100, 101, 102].map(
    (advice) => [28, MEMORY, 4096, advice],
  ),
  'ppoll of any other number': [0, 2, 3, 1024, 2 ** 31, 2 ** 32 + 1].map((count) => [271, MEMORY, count]),
  'clocks of processes': [2, 3, ...numbers(12, 20), -2, -6, -7].map((clock) => [228, clock, MEMORY]),
  'timers but the real one': [1, 2, 3, 2 ** 31].map((timer) => [38, timer, 0, 0]),
  'calls of the x32 ABI': [...ALLOWED].map((nr) => [0x40000000 + nr, 3]),
};

async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const worker = async (): Promise<void> => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The context was ended, and the client told. */
function assertEnded({ httpStatus, text }: Outcome, what: string): void {
  assert.ok(
    httpStatus === 502 || httpStatus === 500,
    `${what} was answered with ${httpStatus} ${text.slice(0, 300)}`,
  );
  assert.match(text, /exited unexpectedly|context of the action failed/, what);
}

for (const user of USERS) {
  describe(`a hostile function on a node of ${user}`, () => {
    let served: Served;
    let attacker: Attacker;
    before(async () => {
      served = await serveAs(user);
      attacker = new Attacker(served.server, { name: 'promises', function: PROMISES });
      await attacker.prepare();
    });
    after(async () => {
      await attacker?.leave();
      await served?.close();
    });

    /** What an act has found out. */
    async function found(act: string, more: Json = {}): Promise<Json> {
      const outcome = await attacker.invoke({ act, ...more });
      assert.equal(outcome.httpStatus, 200, `${act}: ${outcome.text.slice(0, 500)}`);
      return outcome.result as Json;
    }

    it('may make the calls that are on the list', async () => {
      const results: Json[] = [];
      for (const call of [
        [38, 0, 0, 0],
        [3, 200],
        [17, 3, MEMORY, 8, 0],
        [28, MEMORY, 4096, 22],
      ]) {
        results.push(await found('call', { call }));
      }
      assert.deepEqual(
        results.map(({ result }) => result),
        [0, -9, -29, -12],
      );
    });

    it('is ended by any host call that is not on the list', async () => {
      const others = numbers(0, LAST_CALL).filter((nr) => !ALLOWED.has(nr) && !UNFILTERED.has(nr));
      await each(others, async (nr) =>
        assertEnded(await attacker.invoke({ act: 'call', call: [nr] }), `call ${nr}`),
      );
    });

    for (const [what, calls] of Object.entries(REFUSED)) {
      it(`is ended by ${what}`, () =>
        each(calls, async (call) => {
          assertEnded(await attacker.invoke({ act: 'call', call }), JSON.stringify(call));
        }));
    }

    it('gets nothing from calls that reach no filter', async () => {
      for (const nr of UNFILTERED) {
        const outcome = await attacker.invoke({ act: 'call', call: [nr] });
        if (outcome.httpStatus === 200) assert.ok(((outcome.result as Json).result as number) < 0);
        else assertEnded(outcome, `call ${nr}`);
      }
    });

    for (const act of ['gate_of_32_bits', 'compatibility_mode', 'compatibility_sysenter']) {
      it(`is ended by a system call of 32 bits (${act})`, async () => {
        assertEnded(await attacker.invoke({ act }), act);
      });
    }

    it('calls the library OS, not the host, from any other place', async () => {
      assert.deepEqual(await found('own_system_call'), { pid: true, raw: -1 });
      const outcome = await attacker.invoke({ act: 'vsyscall' });
      if (outcome.httpStatus !== 200) assertEnded(outcome, 'vsyscall');
    });

    it('has no descriptors but the link and images', async () => {
      const { empty, pipe, image, none, ...others } = await found('descriptors');
      assert.deepEqual(others, {});
      assert.deepEqual({ empty, pipe, image }, { empty: [0, 1, 2], pipe: [3], image: [4, 5] });
      assert.equal((none as number[]).length, 250);
    });

    it('writes into copies of its own alone', async () => {
      assert.deepEqual(await found('write_image'), { copy: 7, image: true });
      assert.deepEqual(await found('change_state'), { state: 'as loaded' });
      assert.deepEqual(await found('change_state'), { state: 'as loaded' });
      await attacker.invoke({ act: 'write_libos' });
      assert.deepEqual(await found('echo', { n: 1 }), { n: 1 });
    });

    it('can map no more than its limit allows', async () => {
      const { mapped } = await found('map_all');
      assert.ok((mapped as number) <= 18, `${mapped} GiB`);
    });

    it('sees nothing of the host', async () => {
      const paths = ['/etc/shadow', '/home', '/boot', '/var/log', '/dev/mem', '/dev/kmsg', packageDir];
      const { pids, own, found: seen } = await found('surroundings', { paths });
      assert.deepEqual(seen, []);
      assert.deepEqual(pids, [own]);
    });

    it('reaches no process and no network', async () => {
      let met = 0;
      const listener: NetServer = createServer(() => {
        met += 1;
      });
      await once(listener.listen(0, '127.0.0.1'), 'listening');
      const { port } = listener.address() as AddressInfo;
      const reached = await found('reach', { host: '127.0.0.1', port });
      listener.close();
      assert.equal(met, 0);
      assert.equal(reached.kill, 'none there');
      for (const way of ['process_vm_readv', 'connect', 'execve', 'fork']) {
        assert.equal(typeof reached[way], 'number', way);
      }
    });

    it('is ended, or not heard, for any frame that it forges', async () => {
      const frames = numbers(0, 48).flatMap((type) => [
        { type, bytes: 8, claimed: 8 },
        { type, bytes: 8, claimed: 9 },
        { type, bytes: 0, claimed: 0xffffffff },
        { type, bytes: 8, claimed: 8, flags: 0xffff },
      ]);
      await each(frames, async (frame) => {
        const outcome = await attacker.invoke({ act: 'frame', ...frame });
        if (outcome.httpStatus !== 200) assertEnded(outcome, JSON.stringify(frame));
      });
    });

    it('answers for no run but its own', async () => {
      const others = Array.from({ length: 20 }, (_, n) => attacker.invoke({ act: 'echo', n }));
      await attacker.invoke({ act: 'answer_for_others', n: 0 });
      for (const [n, outcome] of (await Promise.all(others)).entries())
        assert.deepEqual(outcome.result, { n });
    });

    it('leaves nothing on its way in a snapshot', async () => {
      const poisoned = { ...PROMISES, env: { AT_IMPORT: 'answers_in_the_snapshot' } };
      await attacker.create('hostile-poisoned', poisoned);
      await attacker.invoke({ act: 'echo', n: 0 }, 'hostile-poisoned');
      for (const n of numbers(1, 5)) {
        const outcome = await attacker.invoke({ act: 'echo', n }, 'hostile-poisoned');
        if (outcome.httpStatus === 200) assert.deepEqual(outcome.result, { n });
        else assertEnded(outcome, 'a clone');
      }
      await attacker.remove('hostile-poisoned');
    });

    it('has not harmed the node', async () => {
      const { status, text } = await attacker.call('GET', '/ping');
      assert.deepEqual([status, text], [200, 'pong']);
    });
  });
}
