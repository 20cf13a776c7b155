import { readFileSync } from 'node:fs';
import { PlatformError } from '../contract/errors.ts';

/** A tender keeps 64 for itself; each context, and each new snapshot, has one or two. */
export const DESCRIPTORS_NEEDED = 128;
const CAP_SYS_RESOURCE = 24n;

/**
 * Tenders raise their limit as far as the host lets them; some it does not let have enough to run anything.
 * @throws PlatformError `too_few_descriptors`
 */
export function checkDescriptorLimit(): void {
  const { hard, mayRaise } = descriptorLimit();
  if (hard < DESCRIPTORS_NEEDED && !mayRaise) {
    throw new PlatformError(
      'too_few_descriptors',
      `This process and its children may open ${hard} files each; ${DESCRIPTORS_NEEDED} are needed, ` +
        'and some thousand are better.',
      { remedy: 'ulimit -Hn 65536 as root, or LimitNOFILE=65536 in the systemd unit.' },
    );
  }
}

/** Files that one process of this user may have open, and whether it may have more if it asks. */
export function descriptorLimit(): { readonly hard: number; readonly mayRaise: boolean } {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return { hard, mayRaise: ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n };
}
