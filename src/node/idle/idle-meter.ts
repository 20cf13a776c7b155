import { PlatformError } from '../../contract/errors.ts';
import type { UcMemory } from '../../contract/node.ts';
import { type FunctionRecord, UC_KERNEL_BYTES, UNTOLD_BYTES } from '../function/function-record.ts';
import type { IdlePool } from './idle-pool.ts';

/** Measuring costs the tender time: it waits until a burst is over. */
const DELAY_MS = 100;

/** Replaces the assumed size of each function's idle UCs by a measured one, one at a time. */
export class IdleMeter {
  readonly #pool: IdlePool;
  readonly #due = new Set<FunctionRecord>();
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: IdlePool) {
    this.#pool = pool;
  }

  note(record: FunctionRecord): void {
    if (!record.measured) {
      this.#due.add(record);
      this.#timer ??= setTimeout(() => void this.#measureNext(), DELAY_MS).unref();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#due.clear();
  }

  async #measureNext(): Promise<void> {
    for (const record of this.#due) {
      this.#due.delete(record);
      const memory = await measureIdle(record);
      if (memory !== undefined && !memory.demoted) {
        // What one has grown by says nothing about the others.
        const bytes = Math.min(memory.privateBytes + memory.pageTableBytes, UNTOLD_BYTES);
        this.#pool.setIdleBytes(record, bytes + UC_KERNEL_BYTES);
        break;
      }
    }
    this.#timer = undefined;
    const [next] = this.#due;
    if (next !== undefined) {
      this.note(next);
    }
  }
}

/**
 * Memory of the function's oldest idle UC; one with a process if there is.
 * @throws PlatformError `no_idle_uc`
 */
export async function memoryOfIdle(record: FunctionRecord | undefined, name: string): Promise<UcMemory> {
  await Promise.all(record?.resets ?? []);
  const memory = record === undefined ? undefined : await measureIdle(record);
  if (memory === undefined) {
    throw new PlatformError('no_idle_uc', `${name} has no idle unikernel context`, {
      remedy: 'invoke it first',
    });
  }
  return memory;
}

async function measureIdle(record: FunctionRecord): Promise<UcMemory | undefined> {
  const uc = record.idle[0] ?? record.demoted[0];
  if (uc === undefined) {
    return undefined;
  }
  try {
    const { isDemoted, privateBytes, sharedBytes, pageTableBytes } = await uc.tender.stat(uc.id);
    return { demoted: isDemoted, privateBytes, sharedBytes, pageTableBytes };
  } catch {
    // It was used or evicted meanwhile.
    return undefined;
  }
}
