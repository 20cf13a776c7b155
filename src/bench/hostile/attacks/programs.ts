import { type Attack, BAR_MS, PEAK_BYTES } from '../attack.ts';
import { failed, invokes, told, toldOrEnded } from '../verdicts.ts';

const python = 'python:3.11';
const nodejs = 'nodejs:24';

function program(
  name: string,
  promise: string,
  kind: typeof python | typeof nodejs,
  source: string,
  verdict: typeof told,
): Attack {
  return {
    name,
    promise,
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind, code: { source } },
    once: invokes({}, verdict),
  };
}

/** What ends or exhausts any program. */
export const PROGRAM_ATTACKS: readonly Attack[] = [
  program(
    'threads-python',
    'threads are the context’s own: no process of the host is made',
    python,
    'import threading, time\ndef main(args):\n    for i in range(100000):\n' +
      '        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    return {}\n',
    toldOrEnded,
  ),
  program(
    'threads-nodejs',
    'worker threads count in the memory of their context',
    nodejs,
    'const { Worker } = require("worker_threads");\n' +
      'exports.main = async () => { for (;;) { new Worker("for (;;);", { eval: true }); ' +
      'await new Promise(setImmediate); } };',
    toldOrEnded,
  ),
  program(
    'fork',
    'no process is made',
    python,
    'import os\ndef main(args):\n    made = 0\n    for i in range(10000):\n        try:\n' +
      '            os.fork()\n            made += 1\n        except OSError:\n            pass\n' +
      '    return {"made": made}\n',
    (outcome) =>
      (outcome.result as { made?: number } | undefined)?.made === 0
        ? undefined
        : `forked: ${outcome.text.slice(0, 200)}`,
  ),
  program(
    'descriptors',
    'descriptors are the context’s own',
    python,
    'import os, socket\ndef main(args):\n    all = []\n    try:\n        while True:\n' +
      '            all.append(os.open("/dev/null", 0))\n            all.append(socket.socketpair())\n' +
      '    except OSError as error:\n        return {"errno": error.errno, "count": len(all)}\n',
    told,
  ),
  program(
    'recursion-python',
    'a stack that overflows ends its own context',
    python,
    'import sys\nsys.setrecursionlimit(10 ** 9)\ndef down(n):\n    return down(n + 1) + down(n + 2)\n' +
      'def main(args):\n    return down(0)\n',
    toldOrEnded,
  ),
  program(
    'recursion-nodejs',
    'a stack that overflows ends its own context',
    nodejs,
    'require("v8").setFlagsFromString("--stack-size=60000");\n' +
      'const down = (n) => down(n + 1) + down(n + 2);\n' +
      'exports.main = () => new Promise((resolve) => ' +
      'setTimeout(() => resolve(new Function("down", "return down(0)")(down))));',
    toldOrEnded,
  ),
  program(
    'fault',
    'a fault ends its own context',
    python,
    'import ctypes\ndef main(args):\n    ctypes.string_at(8)\n',
    failed,
  ),
  program('abort', 'an abort ends its own context', nodejs, 'exports.main = () => process.abort();', failed),
  program(
    'exit',
    'an exit ends its own context',
    python,
    'import os\ndef main(args):\n    os._exit(0)\n',
    failed,
  ),
  program(
    'exit-at-import',
    'an exit while code is loaded is told',
    nodejs,
    'process.exit(0); exports.main = () => ({});',
    failed,
  ),
  {
    name: 'huge-environment',
    promise: 'an environment of any size is refused, or costs its own context alone',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    once: async (attacker, round) => {
      const name = `hostile-environment-${round % 4}`;
      const parameters = Array.from({ length: 200 }, (_, i) => ({
        key: `VARIABLE_${i}`,
        value: String(round % 10).repeat(100_000),
        init: true,
      }));
      const exec = { kind: python, code: 'import os\ndef main(args):\n    return {"n": len(os.environ)}\n' };
      const { status, text } = await attacker.put(name, { exec, parameters, limits: { timeout: 3000 } });
      if (status !== 200) return status < 500 ? undefined : `status ${status}: ${text.slice(0, 200)}`;
      return toldOrEnded(await attacker.invoke({}, name));
    },
  },
];
