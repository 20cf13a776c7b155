import type { Attacker } from './attacker.ts';
import type { HostileFunction } from './hostile-function.ts';

/** One way to do harm, and what holds in spite of it. The bench and `tests/hostile` drive the same ones. */
export interface Attack {
  readonly name: string;
  readonly promise: string;
  /** Beside it, 99 of 100 answers to others take no longer. */
  readonly barMs: number;
  readonly function?: HostileFunction;
  /** `--memory` of the node that it is made for. */
  readonly nodeMemory?: string;
  /** While it goes on, the node and its contexts hold no more than so much beyond what they held before. */
  readonly peakBytes: number;
  /** So many attack at a time (default 1). */
  readonly clients?: number;
  /** It takes so many goes to do harm (default: one for each client). */
  readonly goes?: number;
  /**
   * Does harm once; it is called again and again. What is wrong with what came of it, or undefined.
   * @param round counts the calls
   */
  readonly once: (attacker: Attacker, round: number) => Promise<string | undefined>;
}

/** For what takes a stop of the tender or of the node in parts: captures, resets, frames. */
export const LONG_BAR_MS = 50;
export const BAR_MS = 20;
const MIB = 1024 * 1024;
/** A context at the usual limit, and what it may be beyond it when it is caught. */
export const ONE_CONTEXT_BYTES = (256 + 128) * MIB;
/** Beside the contexts: buffers, records and garbage of the node. */
const NODE_SLACK_BYTES = 192 * MIB;
export const PEAK_BYTES = ONE_CONTEXT_BYTES + NODE_SLACK_BYTES;

export function mebibytes(count: number): number {
  return count * MIB;
}
