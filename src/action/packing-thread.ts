import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import { JobLostError, WorkerThread } from '../threads/worker-thread.ts';
import { type CodeText, LongCode } from './long-code.ts';
import type { Packed } from './pack-code.ts';
import type { PackingRequest, PackingResult } from './packing.ts';

/** An action's document that was read beside the node's thread. */
export interface PackedDocument {
  /** Its JSON text, with `""` for the code. */
  readonly rest: string;
  readonly code: CodeText | undefined;
  readonly packed: Packed | undefined;
}

type Job = PackingRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'codeDir' | 'temporary'>
    : never
  : never;

/** Unpacks and packs code in a thread of its own, one action at a time. */
export class PackingThread {
  readonly #codeDir: string;
  readonly #thread = new WorkerThread<PackingRequest, PackingResult>({
    entry: new URL('./packing-worker', import.meta.url),
    title: 'the packing of code',
    queueMax: 1024,
    deadlineMs: 120_000,
    heapMb: 1024,
  });

  constructor(codeDir: string) {
    this.#codeDir = codeDir;
  }

  /** @throws PlatformError for code that cannot be used, `overloaded`, `unpack_failed` */
  async packDocument(pieces: readonly Uint8Array[], name: string): Promise<PackedDocument> {
    const buffers = pieces.map(({ buffer }) => buffer as ArrayBuffer);
    const { rest, code, packed } = await this.#run({ type: 'document', pieces, name }, buffers);
    return { rest, code: typeof code === 'object' ? new LongCode(code) : code, packed };
  }

  /** @throws as `packDocument` */
  async packCode(code: CodeText, kind: string, binary: boolean | undefined, name: string): Promise<Packed> {
    const text = typeof code === 'string' ? code : code.literal;
    const { packed } = await this.#run({ type: 'code', kind, code: text, binary, name }, []);
    return packed as Packed;
  }

  async #run(job: Job, transfer: readonly ArrayBuffer[]): Promise<PackingResult> {
    const temporary = join(this.#codeDir, `${randomBytes(8).toString('hex')}.tmp`);
    try {
      return await this.#thread.run({ ...job, codeDir: this.#codeDir, temporary }, transfer);
    } catch (error) {
      if (!(error instanceof JobLostError)) throw error;
      await rm(temporary, { force: true });
      throw lost(error, job.name);
    }
  }
}

function lost({ reason, message }: JobLostError, name: string): PlatformError {
  if (reason === 'crash')
    return new PlatformError('packing_failed', `The code of ${name} was not packed: ${message}.`);
  const what = reason === 'memory' ? 'memory' : 'time';
  return new PlatformError('unpack_failed', `The code of ${name} takes more ${what} to unpack than it may.`, {
    remedy: 'Leave out what the function does not need at run time.',
  });
}
