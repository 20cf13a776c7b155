import type { KeyValue } from '../../catalog/fields.ts';
import { JsonText } from '../../json/json-text.ts';

interface Change {
  readonly annotations?: readonly KeyValue[] | undefined;
  readonly delAnnotations?: readonly string[] | undefined;
}

/** What is left out of a change stays. */
export function mergeAnnotations(before: readonly KeyValue[], change: Change): KeyValue[] {
  const merged = new Map<string, JsonText>([['provide-api-key', JsonText.of(false)]]);
  for (const { key, value } of before) merged.set(key, value);
  for (const key of change.delAnnotations ?? []) merged.delete(key);
  for (const { key, value } of change.annotations ?? []) merged.set(key, value);
  return [...merged].map(([key, value]) => ({ key, value }));
}

/** Clients list actions by the annotation `exec`; a put cannot change it. */
export function withExec(annotations: readonly KeyValue[], kind: string): KeyValue[] {
  return [...annotations.filter(({ key }) => key !== 'exec'), { key: 'exec', value: JsonText.of(kind) }];
}
