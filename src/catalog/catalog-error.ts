import type { ErrorCode } from '../contract/error-codes.ts';

export const CATALOG_ERRORS = [
  'bad_annotation',
  'catalog_full',
  'concurrent_change',
  'unknown_entity',
  'values_too_large',
] as const satisfies readonly ErrorCode[];

type CatalogErrorCode = (typeof CATALOG_ERRORS)[number];

/** What a catalogue refuses. Each API has its own words for it. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  readonly code: CatalogErrorCode;

  constructor(code: CatalogErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
