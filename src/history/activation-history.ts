import type { LogLine } from '../contract/activation.ts';
import type { ActivationRecord } from './activation-record.ts';

export interface ActivationFilter {
  readonly name?: string | undefined;
  /** Milliseconds since the epoch, both ends included. */
  readonly since?: number | undefined;
  readonly upto?: number | undefined;
}

/** What activations have come to. */
export interface ActivationHistory {
  add(record: ActivationRecord): void;
  /** A line that the function wrote after its answer; nothing once the record has gone. */
  append(id: string, line: LogLine): void;
  get(namespace: string, id: string): ActivationRecord | undefined;
  /** Newest first. */
  list(namespace: string, filter: ActivationFilter): ActivationRecord[];
}
