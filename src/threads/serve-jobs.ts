import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { parentPort, type Transferable } from 'node:worker_threads';
import type { ErrorCode } from '../contract/error-codes.ts';
import { PlatformError } from '../contract/errors.ts';
import { parseCpuList } from '../tender/host-cpus.ts';
import { makeWay, ownThread } from './priority.ts';

/** What a thread says of a job. An error crosses as its fields: its class would be lost. */
export type Answer =
  | { readonly type: 'done'; readonly result: unknown }
  | {
      readonly type: 'failed';
      readonly code?: ErrorCode;
      readonly message: string;
      readonly remedy?: string;
    };

/** The other end of a WorkerThread: carries out its jobs as they come. */
export function serveJobs<Request, Result>(
  work: (request: Request) => Promise<{ result: Result; transfer?: Transferable[] }>,
): void {
  if (parentPort === null) throw new Error('this module is for a worker thread');
  const port = parentPort;
  standBack();
  port.on('message', (request: Request) => {
    work(request).then(
      ({ result, transfer }) => port.postMessage({ type: 'done', result } satisfies Answer, transfer),
      (error: unknown) => port.postMessage(describe(error)),
    );
  });
}

/** This thread alone makes way for the node's: it goes after it, and to other cores where there are any. */
function standBack(): void {
  try {
    const thread = ownThread();
    makeWay(thread);
    spawnSync('taskset', ['--cpu-list', '--pid', ownCpus(), String(thread)], { stdio: 'ignore' });
  } catch {
    // Then it runs as the others do.
  }
}

/**
 * The cores of this process: those of its oldest threads. The node's own, whose core a new thread
 * inherits, is bound to one.
 */
function ownCpus(): string {
  const lists = readdirSync('/proc/self/task').map((thread) => {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  });
  const counts = lists.map((list) => parseCpuList(list).length);
  return lists[counts.indexOf(Math.max(...counts))] as string;
}

function describe(error: unknown): Answer {
  if (!(error instanceof Error)) return { type: 'failed', message: String(error) };
  if (!(error instanceof PlatformError)) return { type: 'failed', message: error.message };
  const { code, message, remedy } = error;
  return { type: 'failed', code, message, ...(remedy !== undefined && { remedy }) };
}
