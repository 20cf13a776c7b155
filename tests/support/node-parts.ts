import { Socket } from 'node:net';
import { DEFAULT_LIMITS, DEFAULT_POLICY } from '../../src/contract/action.ts';
import type { Core } from '../../src/cores/cores.ts';
import { type FunctionRecord, functionRecord } from '../../src/node/function/function-record.ts';
import { resolveKind } from '../../src/runtime/kinds.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { Tender } from '../../src/tender/tender.ts';

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
  return {
    number,
    id: String(number),
    kind: 'function',
    parent: undefined,
    of: 'f',
    captured,
    createdMs: 0,
    savedMs: 1,
    deploys: 0,
    deploying: 0,
    ...more,
  };
}

export function record(name: string): FunctionRecord {
  const runtime = {
    kind: resolveKind('nodejs:24'),
    version: 'v24',
    snapshot: snapshot(1, { kind: 'runtime' }),
    coming: undefined,
  };
  return functionRecord(
    {
      name,
      version: '0.0.1',
      kind: 'nodejs:24',
      main: 'main',
      code: { type: 'source', source: '', filename: 'f.js' },
      env: {},
      limits: DEFAULT_LIMITS,
      policy: DEFAULT_POLICY,
      digest: name,
    },
    runtime,
  );
}

/** Cores with nothing to do, whose tenders nobody listens to. */
export function idleCores(count: number): Core[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    tender: new Tender({ socket: new Socket(), onChunk: () => undefined }),
    up: true,
    complete: true,
    answered: false,
    starting: 0,
    ending: 0,
    active: 0,
  }));
}
