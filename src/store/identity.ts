import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PLAN_VERSION } from '../tender/abi.gen.ts';
import type { Hello } from '../tender/replies.ts';

/**
 * What a snapshot needs to be the same where it is resumed. Images and parents have their own place
 * in a manifest.
 */
export const storeIdentity = z.strictObject({
  /** Build of the library OS; the layout of a context is part of it. */
  libosId: z.string(),
  /** Version of the deploy plan. */
  plan: z.int(),
  /** Size of the extended register state. */
  xstateBytes: z.int(),
  /** Hash of the features that the processor has. */
  cpu: z.string(),
});
export type StoreIdentity = z.infer<typeof storeIdentity>;

export function identityOf(hello: Hello): StoreIdentity {
  return {
    libosId: hello.libosId,
    plan: PLAN_VERSION,
    xstateBytes: hello.xstateBytes,
    cpu: cpuFeatures(),
  };
}

/** Interpreters and libraries choose their code by these once, at start. */
function cpuFeatures(): string {
  const flags = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  return createHash('sha256').update(flags.split(/\s+/).sort().join(' ')).digest('hex').slice(0, 16);
}

const NAMES: Readonly<Record<keyof StoreIdentity, string>> = {
  libosId: 'another build of the library OS',
  plan: 'another version of the snapshot format',
  xstateBytes: 'another processor (other register state)',
  cpu: 'a processor with other features',
};

/** Why a snapshot of that identity cannot be resumed here; undefined if it can. */
export function mismatch(stored: StoreIdentity, ours: StoreIdentity): string | undefined {
  for (const key of Object.keys(NAMES) as (keyof StoreIdentity)[]) {
    if (stored[key] !== ours[key]) {
      return `it is of ${NAMES[key]}`;
    }
  }
  return undefined;
}
