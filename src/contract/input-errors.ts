/** Codes of PlatformErrors that the code or the options of an action caused: the user's to mend. */
export const INPUT_ERROR_CODES: ReadonlySet<string> = new Set([
  'unknown_kind',
  'runtime_missing',
  'code_not_found',
  'empty_code',
  'unknown_code',
  'no_entry_point',
  'bad_main',
  'bad_archive',
  'bad_manifest',
  'encrypted_archive',
  'duplicate_name',
  'unsafe_path',
  'missing_package',
  'archive_bomb',
  'code_too_large',
  'unpack_failed',
  'document_too_large',
  'bad_document',
]);

/** Of these, the ones that are about size. */
export const TOO_LARGE_CODES: ReadonlySet<string> = new Set([
  'archive_bomb',
  'code_too_large',
  'unpack_failed',
  'document_too_large',
]);
