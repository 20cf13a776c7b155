import type { Check } from './check.ts';
import { identityChecks } from './identity.ts';
import { kernelChecks } from './kernel.ts';
import { limitChecks } from './limits.ts';
import { privilegeChecks } from './privileges.ts';
import { programChecks } from './programs.ts';

interface Diagnosis {
  /** Whether Seuss can work on this host. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

export async function diagnose(): Promise<Diagnosis> {
  const checks = [
    ...kernelChecks(),
    ...privilegeChecks(),
    ...(await identityChecks()),
    ...programChecks(),
    ...limitChecks(),
  ];
  return { ok: checks.every(({ status }) => status !== 'missing'), checks };
}
