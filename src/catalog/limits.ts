import { z } from 'zod';
import type { ActionLimits } from '../contract/action.ts';

const MB = 1024 * 1024;

/** As OpenWhisk counts them: milliseconds, and megabytes. */
export type RecordLimits = { timeout: number; memory: number; logs: number; concurrency: number };

/** Ranges of OpenWhisk's own reference.md. */
export const LIMIT_RANGES = {
  timeout: { min: 100, max: 300_000, standard: 60_000 },
  memory: { min: 128, max: 512, standard: 256 },
  logs: { min: 0, max: 10, standard: 10 },
  concurrency: { min: 1, max: 1, standard: 1 },
} as const;

const within = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);

export const recordLimits = z.object({
  timeout: within(LIMIT_RANGES.timeout),
  memory: within(LIMIT_RANGES.memory),
  logs: within(LIMIT_RANGES.logs),
  concurrency: within(LIMIT_RANGES.concurrency),
});

export function standardLimits(): RecordLimits {
  const { timeout, memory, logs, concurrency } = LIMIT_RANGES;
  return {
    timeout: timeout.standard,
    memory: memory.standard,
    logs: logs.standard,
    concurrency: concurrency.standard,
  };
}

/** As the node counts them. */
export function toActionLimits({ timeout, memory, logs }: RecordLimits): Partial<ActionLimits> {
  return { timeoutMs: timeout, memoryBytes: memory * MB, logBytes: logs * MB };
}
