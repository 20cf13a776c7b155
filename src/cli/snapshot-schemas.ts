import { z } from 'zod';
import { userValue } from './answers.ts';

/** What a node answers below /seuss/v1/, as far as it is shown. Fields that are not known here stay. */
export const snapshotInfo = z.looseObject({
  id: z.string(),
  kind: z.string(),
  parent: z.string().nullable(),
  of: z.string(),
  ownBytes: z.number(),
  ownPages: z.number(),
  sharedPages: z.number(),
  maps: z.number(),
  stored: z.boolean(),
  deploys: z.number(),
  createdMs: z.number(),
  /** Arguments that an argument snapshot fixes. */
  fixed: userValue.optional(),
});
export type SnapshotRow = z.infer<typeof snapshotInfo>;

export const snapshotList = z.array(snapshotInfo);

const codeAddress = z.object({ address: z.number(), symbol: z.string().nullable() });
export type ShownCode = z.infer<typeof codeAddress>;

export const snapshotDetails = snapshotInfo.extend({
  form: z.string(),
  layers: z.number(),
  images: z.number(),
  clockMonotonicNs: z.number(),
  registers: z.record(z.string(), z.string()),
  programCounter: codeAddress,
  guestCounter: codeAddress.nullable(),
  memoryMap: z.array(
    z.object({
      start: z.number(),
      bytes: z.number(),
      access: z.string(),
      source: z.string(),
      offset: z.number(),
    }),
  ),
  truncated: z.boolean(),
});
export type ShownDetails = z.infer<typeof snapshotDetails>;

export const snapshotDiff = z.object({
  a: z.string(),
  b: z.string(),
  pages: z.record(z.string(), z.number()),
  words: z.number(),
  runs: z.array(z.object({ start: z.number(), bytes: z.number(), kind: z.string(), words: z.number() })),
  truncated: z.boolean(),
});
export type ShownDiff = z.infer<typeof snapshotDiff>;

export const runningList = z.array(
  z.looseObject({
    id: z.string(),
    of: z.string(),
    phase: z.string(),
    path: z.string().nullable(),
    startMs: z.number(),
  }),
);

/** An activation as OpenWhisk has it, or its id alone when it goes on after the wait. */
export const activation = z.union([
  z.looseObject({
    activationId: z.string(),
    response: z.looseObject({ status: z.string(), success: z.boolean(), result: userValue }),
    logs: z.array(z.string()),
  }),
  z.looseObject({ activationId: z.string(), response: z.undefined().optional() }),
]);
