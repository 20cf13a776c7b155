import { type Attack, BAR_MS, LONG_BAR_MS, PEAK_BYTES } from '../attack.ts';
import { ended, failed, invokes, told, toldOrEnded } from '../verdicts.ts';

const STDOUT = 32;
const DRIVER_OUT = 31;
const python = 'python:3.11';
const nodejs = 'nodejs:24';

/** What a function says: lines, frames, results. */
export const OUTPUT_ATTACKS: readonly Attack[] = [
  {
    name: 'empty-log-lines',
    promise: 'each line of a log costs what it takes, however short',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: python,
      code: { source: 'import os\ndef main(args):\n    while True:\n        os.write(1, b"\\n" * 30000)\n' },
    },
    once: invokes({}, failed),
  },
  {
    name: 'long-log-lines',
    promise: 'a log without a newline is cut at its limit',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: nodejs,
      code: {
        source:
          'const fs = require("fs");\nconst part = Buffer.alloc(1 << 20, "x");\n' +
          'exports.main = () => { for (;;) fs.writeSync(2, part); };',
      },
    },
    once: invokes({}, failed),
  },
  {
    name: 'one-byte-frames',
    promise: 'a context has its share of a turn, however many frames it sends',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' }, timeoutMs: 5000 },
    clients: 2,
    once: invokes({ act: 'one_byte_frames', type: STDOUT }, toldOrEnded),
  },
  {
    name: 'one-byte-answers',
    promise: 'a driver that answers byte by byte, and never ends its line, has its share of a turn',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' }, timeoutMs: 5000 },
    once: invokes({ act: 'one_byte_frames', type: DRIVER_OUT }, toldOrEnded),
  },
  {
    name: 'deep-result',
    promise: 'a result nested beyond all measure is refused, and its context given back',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' } },
    clients: 4,
    once: invokes({ act: 'deep_result', depth: 200_000 }, told),
  },
  {
    name: 'many-objects',
    promise: 'a result that is kept takes what its text takes',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: nodejs, code: { source: 'exports.main = () => ({ all: Array(260_000).fill({}) });' } },
    clients: 2,
    goes: 48,
    once: invokes({}, told),
  },
  {
    name: 'oversized-result',
    promise: 'a result over the limit is an error, and is not kept',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: nodejs, code: { source: 'exports.main = () => ({ text: "x".repeat(50 << 20) });' } },
    once: invokes({}, failed),
  },
  {
    name: 'forged-frames',
    promise: 'a frame that is none ends the context',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' } },
    once: async (attacker, round) => ended(await attacker.invoke({ act: 'forged_frames', seed: round + 1 })),
  },
];
