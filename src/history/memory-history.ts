import type { LogLine } from '../contract/activation.ts';
import type { ActivationFilter, ActivationHistory } from './activation-history.ts';
import type { ActivationRecord } from './activation-record.ts';

export interface HistoryLimits {
  readonly records: number;
  readonly bytes: number;
}

const DEFAULT_LIMITS: HistoryLimits = { records: 10_000, bytes: 128 * 1024 * 1024 };

/** A record's own objects, roughly: what it takes beside its result and its log lines. */
const RECORD_BYTES = 4096;

/** The last activations, in memory; the oldest make room for new ones. */
export class MemoryHistory implements ActivationHistory {
  readonly #records = new Map<string, ActivationRecord>();
  readonly #limits: HistoryLimits;
  #bytes = 0;

  constructor(limits: HistoryLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  add(record: ActivationRecord): void {
    this.#records.set(record.activationId, record);
    this.#bytes += sizeOf(record);
    this.#makeRoom();
  }

  #makeRoom(): void {
    for (const [id, oldest] of this.#records) {
      if (this.#records.size <= this.#limits.records && this.#bytes <= this.#limits.bytes) break;
      this.#records.delete(id);
      this.#bytes -= sizeOf(oldest);
    }
  }

  append(id: string, line: LogLine): void {
    const record = this.#records.get(id);
    if (record !== undefined) {
      this.#bytes -= sizeOf(record);
      record.log.append(line);
      this.#bytes += sizeOf(record);
      this.#makeRoom();
    }
  }

  get(namespace: string, id: string): ActivationRecord | undefined {
    const record = this.#records.get(id);
    return record?.namespace === namespace ? record : undefined;
  }

  list(namespace: string, filter: ActivationFilter): ActivationRecord[] {
    return [...this.#records.values()]
      .filter(
        (record) =>
          record.namespace === namespace &&
          (filter.name === undefined || record.name === filter.name) &&
          (filter.since === undefined || record.start >= filter.since) &&
          (filter.upto === undefined || record.start <= filter.upto),
      )
      .reverse();
  }
}

function sizeOf(record: ActivationRecord): number {
  const { text } = record.response.result;
  // One byte for each character, two if any is none of Latin-1.
  const textBytes = record.response.size === text.length ? text.length : text.length * 2;
  return RECORD_BYTES + textBytes + record.log.bytes;
}
