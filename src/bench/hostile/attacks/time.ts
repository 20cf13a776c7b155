import { type Attack, BAR_MS, LONG_BAR_MS, PEAK_BYTES } from '../attack.ts';
import { ended, failed, invokes, invokesSeeded, toldOrEnded } from '../verdicts.ts';

const python = 'python:3.11';
const nodejs = 'nodejs:24';

/** Processor time, and calls that are not the attacker's to make. */
export const TIME_ATTACKS: readonly Attack[] = [
  {
    name: 'answer-and-spin',
    promise: 'a context that has answered and goes on to use the processor is ended',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' } },
    clients: 2,
    once: invokes({ act: 'answer_and_spin' }, toldOrEnded),
  },
  {
    name: 'spin',
    promise: 'a time limit is one',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: nodejs, code: { source: 'exports.main = () => { for (;;); };' }, timeoutMs: 1000 },
    clients: 2,
    once: invokes({}, failed),
  },
  {
    name: 'endless-import',
    promise: 'the time limit holds while code is loaded',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { source: 'while True:\n    pass\n' }, timeoutMs: 1000 },
    once: invokes({}, failed),
  },
  {
    name: 'altstack',
    promise: 'a capture that cannot succeed is given up early, and not tried again',
    barMs: LONG_BAR_MS,
    peakBytes: PEAK_BYTES,
    function: {
      kind: python,
      code: { native: 'native.py' },
      timeoutMs: 500,
      env: { AT_IMPORT: 'altstack_behind_ready' },
    },
    clients: 2,
    once: invokes({}, toldOrEnded),
  },
  {
    name: 'forged-host-calls',
    promise: 'a host call that is not on the list ends the context; those on it do no harm',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' } },
    clients: 2,
    once: invokesSeeded({ act: 'forged_calls' }, toldOrEnded),
  },
  {
    name: 'refused-host-call',
    promise: 'one refused call is enough',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: python, code: { native: 'native.py' } },
    once: invokes({ act: 'call', call: [41, 1, 1, 0] }, ended),
  },
];
