import type { ActionRecord } from './action-record.ts';
import { CatalogError } from './catalog-error.ts';
import type { KeyValue } from './fields.ts';

/** Parameters and annotations of one action, which updates add to. */
const MAX_VALUE_BYTES = 1024 * 1024;

/** What counts of an action, roughly. */
export function bytesOf({ exec, parameters, annotations }: ActionRecord): number {
  return exec.code.length + valueBytes(parameters) + valueBytes(annotations);
}

function valueBytes(values: readonly KeyValue[]): number {
  return values.reduce((sum, { key, value }) => sum + key.length + value.text.length, 0);
}

/** @throws CatalogError `values_too_large` */
export function checkValues(parameters: readonly KeyValue[], annotations: readonly KeyValue[]): void {
  if (valueBytes(parameters) > MAX_VALUE_BYTES || valueBytes(annotations) > MAX_VALUE_BYTES) {
    throw new CatalogError(
      'values_too_large',
      'The parameters of an action may have 1 MB, and so may its annotations.',
    );
  }
}
