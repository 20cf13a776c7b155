import { readFileSync } from 'node:fs';

/** By their bits in /proc/PID/status: what the tender needs to give contexts a user of their own. */
const NEEDED: Readonly<Record<string, number>> = {
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
};

interface UcUserFault {
  readonly message: string;
  readonly remedy: string;
}

/** What is wrong with the user that contexts run as, if anything. */
export function faultOfUcUser(ucUser: number): UcUserFault | undefined {
  if (ucUser !== 0) return undefined;
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  const why = missing.length === 0 ? 'no other user is mapped here' : `${missing.join(', ')} missing`;
  return {
    message: `contexts run as root (${why}): behind the seccomp filter no user of their own holds them`,
    remedy:
      missing.length === 0
        ? 'Start Seuss as an ordinary user, or in a user namespace that maps all users.'
        : `Start Seuss as an ordinary user, or with ${missing.join(', ')} (docker run --cap-add, ` +
          'AmbientCapabilities).',
  };
}

/** @param status text of /proc/PID/status */
export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.keys(NEEDED).filter((name) => (effective & (1n << BigInt(NEEDED[name] as number))) === 0n);
}
