import type { StartsFrom } from '../../contract/action.ts';

/** A function of the attacker's. */
export interface HostileFunction {
  readonly kind: 'nodejs:24' | 'python:3.11';
  /** Source text, or a module of `guests/` that has machine code beside it. */
  readonly code: { readonly source: string } | { readonly native: string };
  readonly state?: StartsFrom;
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  /** Variables that its code is loaded with. */
  readonly env?: Readonly<Record<string, string>>;
}
