import type { Packed } from '../../action/pack-code.ts';
import type { ActionExec } from '../../action/packager.ts';
import { checkValues } from '../../catalog/action-bytes.ts';
import type { ActionCatalog } from '../../catalog/action-catalog.ts';
import { type ActionFields, type ActionRecord, recordOf } from '../../catalog/action-record.ts';
import { keyOf } from '../../catalog/catalog.ts';
import { standardLimits } from '../../catalog/limits.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { ActionContent } from './action-body.ts';
import { mergeAnnotations, withExec } from './annotations.ts';

/** The action that a request is about, and whether it may replace it. */
interface Target {
  readonly namespace: string;
  readonly name: string;
  readonly overwrite: boolean;
}

/**
 * Makes an action, or with `overwrite` changes one: what the request leaves out stays.
 * @returns the new record, and the one that it replaced
 * @throws ApiError 400, 409; CatalogError; PlatformError for bad code, `store_failed`
 */
export async function putAction(
  { actions, packager }: Pick<ApiContext, 'actions' | 'packager'>,
  target: Target,
  content: ActionContent,
): Promise<{ record: ActionRecord; replaced: ActionRecord | undefined }> {
  let { packed } = content;
  try {
    const before = replacedBy(actions, target);
    const exec = content.exec === undefined ? before?.exec : withoutAbsent(content.exec);
    if (exec === undefined) throw new ApiError(400, 'exec undefined');
    if (content.exec === undefined) packed = before?.packed;
    packed ??= await packager.pack(exec, keyOf(target));
    const record = recordOf(fieldsOf(target, content, { exec, packed, before }), packed, packager);
    await actions.put(record, before);
    return { record, replaced: before };
  } finally {
    // If nobody has taken it.
    if (packed !== undefined) packager.images.tidy(packed);
  }
}

/**
 * What a put would replace.
 * @throws ApiError 409 when it may not
 */
export function replacedBy(
  actions: ActionCatalog,
  { namespace, name, overwrite }: Target,
): ActionRecord | undefined {
  const before = actions.find(namespace, name);
  if (before !== undefined && !overwrite) throw new ApiError(409, 'resource already exists');
  return before;
}

interface Parts {
  readonly exec: ActionExec;
  readonly packed: Packed;
  readonly before: ActionRecord | undefined;
}

/** @throws CatalogError `values_too_large` */
function fieldsOf(
  { namespace, name }: Target,
  content: ActionContent,
  { exec, packed, before }: Parts,
): ActionFields {
  const { kind, form } = packed;
  const parameters = content.parameters ?? before?.parameters ?? [];
  const annotations = mergeAnnotations(before?.annotations ?? [], content);
  checkValues(parameters, annotations);
  return {
    namespace,
    name,
    version: content.version ?? nextVersion(before?.version),
    publish: content.publish ?? before?.publish ?? false,
    exec: { ...exec, kind, binary: form.type === 'image' },
    parameters,
    annotations: withExec(annotations, kind),
    limits: { ...(before?.limits ?? standardLimits()), ...withoutAbsent(content.limits ?? {}) },
    updated: Date.now(),
  };
}

function nextVersion(version: string | undefined): string {
  if (version === undefined) return '0.0.1';
  const [major, minor, patch] = version.split('.').map(Number);
  return `${major}.${minor}.${(patch ?? 0) + 1}`;
}

/** Optional fields of zod are `T | undefined`; ours are absent. */
function withoutAbsent<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
