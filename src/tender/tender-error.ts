import { PlatformError } from '../contract/errors.ts';

/** An error reply: the errno is kept as the cause's `errno`. */
export function tenderError(payload: Buffer): PlatformError {
  const errno = payload.length >= 4 ? payload.readInt32LE(0) : 0;
  const text = payload.toString('utf8', Math.min(4, payload.length));
  return new PlatformError('tender_refused', `the tender refused: ${text}`, {
    cause: Object.assign(new Error(text), { errno }),
  });
}

/** The errno of a call that the tender refused, else 0. */
export function errnoOf(error: unknown): number {
  const cause = error instanceof PlatformError ? error.cause : undefined;
  const errno = cause instanceof Error ? (cause as Error & { errno?: unknown }).errno : undefined;
  return typeof errno === 'number' ? errno : 0;
}
