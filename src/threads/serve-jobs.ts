import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, type Transferable } from 'node:worker_threads';
import { PlatformError } from '../node/types.ts';

/** What a thread says of a job. An error crosses as its fields: its class would be lost. */
export type Answer =
  | { readonly type: 'done'; readonly result: unknown }
  | { readonly type: 'failed'; readonly code?: string; readonly message: string; readonly remedy?: string };

/** Others go before it wherever they share a core. */
const NICENESS = 10;

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

/** Of this thread alone, whose id /proc knows. */
function standBack(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICENESS);
  } catch {
    // Then it has the priority of the others.
  }
}

function describe(error: unknown): Answer {
  if (!(error instanceof Error)) return { type: 'failed', message: String(error) };
  if (!(error instanceof PlatformError)) return { type: 'failed', message: error.message };
  const { code, message, remedy } = error;
  return { type: 'failed', code, message, ...(remedy !== undefined && { remedy }) };
}
