import type { ErrorCode } from './error-codes.ts';

/** Thrown for errors of the platform; errors of a function are activations. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  /** Stable: docs/reference/errors.md. */
  readonly code: ErrorCode;
  /** What the user can do. */
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options?: { remedy?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options?.remedy;
  }
}
