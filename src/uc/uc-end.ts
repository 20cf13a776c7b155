import type { PlatformError } from '../contract/errors.ts';
import { ExitReason } from '../tender/abi.gen.ts';
import type { ControlExit } from '../tender/replies.ts';

/** How a UC came to its end. */
export type UcEnd =
  /** The guest program ended by itself. */
  | { readonly type: 'exited'; readonly status: number }
  | { readonly type: 'signalled'; readonly signal: number }
  /** The node asked for it. */
  | { readonly type: 'killed' }
  | { readonly type: 'out-of-memory' }
  /** It worked while it was to be idle. Of the message that it was sent last, nothing has run. */
  | { readonly type: 'restless' }
  /** The library OS gave up, or broke its contract with the tender. */
  | { readonly type: 'broken'; readonly text: string }
  /** The tender died with it. */
  | { readonly type: 'lost'; readonly error: PlatformError };

/** What the guest's own exit message said, if there was one. */
export interface GuestExit {
  readonly signal: number;
  readonly status: number;
}

/** The tender's word about the process outweighs what the UC itself said. */
export function ucEndOf(exit: ControlExit, guest: GuestExit | undefined, panic: string | undefined): UcEnd {
  switch (exit.reason) {
    case ExitReason.killed:
      return { type: 'killed' };
    case ExitReason.memory:
      return { type: 'out-of-memory' };
    case ExitReason.idle:
      return { type: 'restless' };
    case ExitReason.protocol:
      return { type: 'broken', text: panic ?? 'the unikernel context broke the protocol of its link' };
    case ExitReason.stuck:
      return { type: 'broken', text: 'it kept the host kernel busy for too long to be stopped' };
    default:
      break;
  }
  if (panic !== undefined) {
    return { type: 'broken', text: panic };
  }
  if (guest !== undefined) {
    return guest.signal === 0
      ? { type: 'exited', status: guest.status & 0xff }
      : { type: 'signalled', signal: guest.signal };
  }
  const signal = exit.waitStatus & 0x7f;
  return signal === 0
    ? { type: 'exited', status: (exit.waitStatus >> 8) & 0xff }
    : { type: 'signalled', signal };
}

export function describeEnd(end: UcEnd): string {
  switch (end.type) {
    case 'exited':
      return `it exited with status ${end.status}`;
    case 'signalled':
      return `signal ${end.signal} killed it`;
    case 'killed':
      return 'it was killed';
    case 'out-of-memory':
      return 'it exhausted its memory';
    case 'restless':
      return 'it did not take its message, but went on working';
    case 'broken':
      return end.text;
    case 'lost':
      return end.error.message;
  }
}
