/**
 * What a function logs through threads, or just as it answers, or later, stands in its own
 * activation's record.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as turn } from 'node:timers/promises';
import type { Action, StartsFrom } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON, sourceAction } from '../support/actions.ts';

const RUNS = 4;
const STATES: readonly StartsFrom[] = ['reuse', 'reset', 'fresh'];

let node: ComputeNode;
before(async () => {
  node = await startComputeNode({ preboot: [NODEJS, PYTHON] });
});
after(() => node?.close());

/** What each of several invocations, one right after the other, logs before its answer. */
async function logsOf(action: Action): Promise<string[][]> {
  const logs: string[][] = [];
  for (let id = 0; id < RUNS; id++) {
    const activation = await node.invoke(action, { id });
    assert.deepEqual([activation.status, activation.result], ['success', { id }]);
    logs.push(activation.logs.map(({ line }) => line));
  }
  await node.forget(action);
  return logs;
}

const WITH_ANSWER: readonly (readonly [string, string, string])[] = [
  [
    'fs.write',
    NODEJS,
    `const fs = require('fs');
     exports.main = ({ id }) => { fs.write(1, 'line ' + id + '\\n', () => {}); return { id }; };`,
  ],
  [
    'a chain of fs.write',
    NODEJS,
    `const { write } = require('node:fs');
     exports.main = ({ id }) => {
       const text = Buffer.from('line ' + id + '\\n'); let at = 0;
       const next = () => { if (at < text.length) write(2, text, at++, 1, null, next); };
       next();
       return { id };
     };`,
  ],
  [
    'a stream, and fs.promises',
    NODEJS,
    `const fs = require('fs'); const out = fs.createWriteStream(null, { fd: 1 });
     exports.main = ({ id }) => {
       if (id % 2) out.write('line ' + id + '\\n');
       else fs.promises.appendFile('/dev/stdout', 'line ' + id + '\\n');
       return { id };
     };`,
  ],
  [
    'setImmediate',
    NODEJS,
    `exports.main = ({ id }) => { setImmediate(() => console.log('line ' + id)); return { id }; };`,
  ],
  [
    'promises that nobody waits for',
    NODEJS,
    `const later = async (id) => { for (let i = 0; i < 100; i++) await null; console.log('line ' + id); };
     exports.main = async ({ id }) => { later(id); return { id }; };`,
  ],
  [
    'a worker thread',
    NODEJS,
    `const { Worker } = require('worker_threads'); const { once } = require('events');
     let worker;
     exports.main = async ({ id }) => {
       if (worker === undefined) {
         worker = new Worker(
           "const { parentPort } = require('worker_threads');" +
             "parentPort.on('message', (id) => console.log('line ' + id)); parentPort.postMessage(0)",
           { eval: true });
         await once(worker, 'message');
       }
       worker.postMessage(id);
       return { id };
     };`,
  ],
  [
    'a thread',
    PYTHON,
    `import threading
def main(args):
    threading.Thread(target=lambda: print('line', args['id'])).start()
    return args`,
  ],
  [
    'a queue of log records',
    PYTHON,
    `import logging, logging.handlers, queue, sys
records = queue.Queue()
listener = logging.handlers.QueueListener(records, logging.StreamHandler(sys.stdout))
log = logging.getLogger('x')
log.addHandler(logging.handlers.QueueHandler(records))
started = False
def main(args):
    global started
    if not started:
        listener.start()
        started = True
    log.warning('line %d', args['id'])
    return args`,
  ],
  [
    'a buffered stream',
    PYTHON,
    `import io, sys
sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, 'w', closefd=False)))
def main(args):
    print('line', args['id'])
    return args`,
  ],
];

describe('before the answer comes what is written by', () => {
  for (const [what, kind, source] of WITH_ANSWER) {
    for (const state of STATES) {
      it(`${what} (${kind}, ${state})`, async () => {
        const action = sourceAction(kind, source, { policy: { startsFrom: state, specialize: [] } });
        const expected = Array.from({ length: RUNS }, (_, id) => [`line ${id}`]);
        assert.deepEqual(await logsOf(action), expected);
      });
    }
  }
});

describe('after the answer', () => {
  /**
   * What each invocation of a server's was told to have logged late; runs until the first has said
   * `count` lines.
   */
  async function lateLogs(source: string, count: number): Promise<string[][]> {
    const action = sourceAction(NODEJS, source);
    const late: string[][] = [];
    const invoke = async (id: number): Promise<void> => {
      const lines: string[] = [];
      late.push(lines);
      const { logs } = await node.invoke(action, { id }, { onLateLog: ({ line }) => lines.push(line) });
      assert.deepEqual(
        logs.map(({ line }) => line),
        [`main ${id}`],
      );
    };
    let id = 0;
    do {
      await invoke(id++);
      await turn(10);
    } while ((late[0]?.length ?? 0) < count);
    await node.forget(action);
    return late;
  }

  it('a timer writes to the record of the run that set it', async () => {
    const [first, second] = await lateLogs(
      `const fs = require('fs');
       exports.main = ({ id }) => {
         console.log('main ' + id);
         if (id === 0) setTimeout(() => {
           console.log('late\\nof ' + id);
           console.error('error');
           fs.writeSync(1, Buffer.from('xsync'), 1);
           fs.write(1, 'async', () => console.log('done'));
         }, 5);
         return { id };
       };`,
      6,
    );
    assert.deepEqual(first, ['late', 'of 0', 'error', 'sync', 'async', 'done']);
    assert.deepEqual(second, []);
  });

  it('it may write so much and no more', async () => {
    const [first] = await lateLogs(
      `exports.main = ({ id }) => {
         console.log('main ' + id);
         if (id === 0) setTimeout(() => { for (let i = 0; i < 10000; i++) console.log('x'); }, 1);
         return { id };
       };`,
      256,
    );
    assert.equal(first?.length, 256);
  });

  it('what ends the program comes too late to take the answer away', async () => {
    for (const end of ['throw new Error("late")', 'process.exit(3)', 'Promise.reject(new Error("late"))']) {
      const action = sourceAction(
        NODEJS,
        `exports.main = ({ id }) => { setImmediate(() => { ${end}; }); return { id }; };`,
      );
      for (let id = 0; id < 3; id++) {
        const { status, result } = await node.invoke(action, { id });
        assert.deepEqual([status, result], ['success', { id }]);
      }
      await node.forget(action);
    }
  });
});
