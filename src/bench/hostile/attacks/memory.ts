import { type Attack, BAR_MS, LONG_BAR_MS, mebibytes, ONE_CONTEXT_BYTES, PEAK_BYTES } from '../attack.ts';
import type { Attacker } from '../attacker.ts';
import { failed, invokes, told, toldOrAccepted, toldOrEnded } from '../verdicts.ts';

const python = 'python:3.11';
const nodejs = 'nodejs:24';

/**
 * Pages far from each other, most of them never written; read after the capture, in one call or by
 * the function.
 */
const SPARSE = `
import mmap
SIZE = 1 << 30
memory = mmap.mmap(-1, SIZE)
for at in range(0, SIZE, 1 << 20):
    memory[at] = 1
def main(args):
    return {"sum": sum(memory[at] for at in range(4096, SIZE, 4096))}
`;
const BIG = (number: number) => `
memory = bytearray(100 << 20)
for at in range(0, len(memory), 4096):
    memory[at] = 1 + (at >> 12) % 255
def main(args):
    return {"n": ${number}}
`;
const RUNNING = 14;

/** Keeps the host kernel busy from its `ready` on, which is when it is captured. */
function atCapture(act: string, outcome: string): Attack {
  return {
    name: `${act}-at-capture`,
    promise: `a capture waits for nobody: ${outcome}`,
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: python,
      code: { native: 'native.py' },
      timeoutMs: 1000,
      env: { AT_IMPORT: `${act}_behind_ready` },
    },
    once: invokes({}, toldOrEnded),
  };
}

/** What a function holds. */
export const MEMORY_ATTACKS: readonly Attack[] = [
  {
    name: 'holes',
    promise: 'a gap between written pages costs what is written, also in clones that read it',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { source: SPARSE }, timeoutMs: 10_000, state: 'fresh' },
    goes: 3,
    once: invokes({}, told),
  },
  atCapture('populate', 'a context inside a long call is ended'),
  atCapture('churn', 'a context that fills memory and gives it back is captured'),
  atCapture('protect', 'a context for which the host works without end is ended'),
  {
    name: 'populate-at-reset',
    promise: 'a reset waits for nobody, and the limit of memory holds meanwhile',
    barMs: LONG_BAR_MS,
    // It answers before it grows: another context grows while that one dies.
    peakBytes: PEAK_BYTES + ONE_CONTEXT_BYTES,
    function: { kind: python, code: { native: 'native.py' }, timeoutMs: 1000, state: 'reset' },
    once: invokes({ act: 'answer_and_populate' }, toldOrEnded),
  },
  {
    name: 'sleep-and-grow',
    promise: 'a context that slept first is caught as soon as any other',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' }, timeoutMs: 10_000 },
    once: invokes({ act: 'sleep_and_grow', seconds: 0.6 }, failed),
  },
  {
    name: 'memory-bomb-python',
    promise: 'what grows past its limit gets its own memory error',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: python,
      code: {
        source: 'def main(args):\n    all = []\n    while True:\n        all.append(bytearray(1 << 20))\n',
      },
    },
    once: invokes({}, failed),
  },
  {
    name: 'memory-bomb-nodejs',
    promise: 'what grows past its limit gets its own memory error',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: nodejs,
      code: {
        source: 'exports.main = () => { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); };',
      },
    },
    once: invokes({}, failed),
  },
  {
    name: 'many-running',
    promise: 'running contexts are in the budget of the node: the one that grew last fails',
    barMs: BAR_MS,
    nodeMemory: '500M',
    peakBytes: mebibytes(500) + ONE_CONTEXT_BYTES,
    clients: RUNNING,
    function: {
      kind: python,
      memoryMb: 512,
      code: {
        source:
          'import time\ndef main(args):\n    memory = bytearray(400 << 20)\n' +
          '    memory[::4096] = b"x" * (100 << 10)\n    time.sleep(1)\n    return {}\n',
      },
    },
    once: invokes({}, toldOrAccepted),
  },
  {
    name: 'big-captures',
    promise: 'an honest capture of 25,000 pages goes in steps, and others are served between them',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES + mebibytes(256),
    once: bigCapture,
  },
  {
    name: 'many-mappings-at-capture',
    promise: 'a memory map of 60,000 entries is refused early',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES + mebibytes(256),
    function: {
      kind: python,
      code: { native: 'native.py' },
      state: 'fresh',
      env: { AT_IMPORT: 'many_mappings' },
    },
    once: invokes({}, toldOrEnded),
  },
  {
    name: 'many-mappings-at-reset',
    promise: 'a context with 60,000 mappings is not put back at the cost of others',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES + mebibytes(256),
    function: { kind: python, code: { native: 'native.py' }, state: 'reset' },
    once: invokes({ act: 'many_mappings_in_run' }, toldOrEnded),
  },
];

/** A function that the node has never seen, captured, run and deleted. */
async function bigCapture(attacker: Attacker, round: number): Promise<string | undefined> {
  const name = `hostile-big-${round % 8}`;
  await attacker.create(name, { kind: python, code: { source: BIG(round) }, timeoutMs: 10_000 });
  const outcome = await attacker.invoke({}, name);
  await attacker.remove(name);
  return outcome.httpStatus === 200
    ? undefined
    : `status ${outcome.httpStatus}: ${outcome.text.slice(0, 200)}`;
}
