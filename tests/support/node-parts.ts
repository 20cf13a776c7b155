import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, functionRecord } from '../../src/node/function/function-record.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';
import { type Snapshot, snapshotOf } from '../../src/snapshot/snapshot.ts';
import { NODEJS, sourceAction } from './actions.ts';
import { answeringTender } from './answering-tender.ts';

/** Whose UCs end unheard. */
export const OWNER = { ucEnded: () => undefined };

export function snapshot(number: number, more: Partial<Snapshot> = {}): Snapshot {
  const captured = {
    parent: 0,
    ownPages: 10,
    sharedPages: 0,
    maps: 0,
    runs: 0,
    stopNs: 0,
    copyNs: 0,
    rip: 0,
  };
  return snapshotOf({
    number,
    id: String(number),
    kind: 'function',
    parent: undefined,
    of: 'f',
    captured,
    savedMs: 1,
    ...more,
  });
}

export function record(name: string): FunctionRecord {
  return functionRecord(sourceAction(NODEJS, '', { name, digest: name }), {
    kind: resolveKind(NODEJS),
    version: 'v24',
    snapshot: snapshot(1, { kind: 'runtime' }),
    coming: undefined,
  });
}

/** Cores with nothing to do, whose tenders say yes to everything. */
export function idleCores(count: number): Core[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    tender: answeringTender(),
    up: true,
    complete: true,
    answered: false,
    starting: 0,
    ending: 0,
    active: 0,
  }));
}
