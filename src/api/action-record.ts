import type { Packed } from '../action/pack-code.ts';
import type { ActionExec } from '../action/packager.ts';
import type { Action } from '../contract/action.ts';
import type { KeyValue, Parameter } from './schemas.ts';

/** As OpenWhisk counts them: milliseconds, and megabytes. */
export type RecordLimits = { timeout: number; memory: number; logs: number; concurrency: number };

/** An action as it was put, and what the node runs for it. */
export interface ActionRecord {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly publish: boolean;
  readonly exec: ActionExec;
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly KeyValue[];
  readonly limits: RecordLimits;
  /** Milliseconds since the epoch. */
  readonly updated: number;
  /** How its code was packed: an update that brings no other code does not do so again. */
  readonly packed: Packed;
  readonly action: Action;
}
