import { PlatformError } from '../contract/errors.ts';
import { JobLostError, WorkerThread } from '../threads/worker-thread.ts';
import type { DiffDescribed, DiffRequest, MapsDescribed, MapsRequest } from './inspection.ts';

/** Describes snapshots in a thread of its own: a guest decides how long that takes. */
export class Inspector {
  readonly #thread = new WorkerThread<MapsRequest | DiffRequest, MapsDescribed | DiffDescribed>({
    entry: new URL('./inspection-worker', import.meta.url),
    title: 'the inspection of snapshots',
    queueMax: 64,
    deadlineMs: 20_000,
    heapMb: 256,
  });

  /** @throws PlatformError `overloaded`, `inspection_failed` */
  async maps(request: Omit<MapsRequest, 'type'>): Promise<MapsDescribed> {
    return (await this.#run({ type: 'maps', ...request })) as MapsDescribed;
  }

  /** @throws PlatformError `overloaded`, `inspection_failed` */
  async diff(payload: Uint8Array): Promise<DiffDescribed> {
    return (await this.#run({ type: 'diff', payload })) as DiffDescribed;
  }

  async #run(request: MapsRequest | DiffRequest): Promise<MapsDescribed | DiffDescribed> {
    try {
      return await this.#thread.run(request, [request.payload.buffer as ArrayBuffer]);
    } catch (error) {
      if (!(error instanceof JobLostError)) throw error;
      throw new PlatformError('inspection_failed', error.message, { cause: error });
    }
  }
}
