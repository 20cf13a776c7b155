import { imageDigest } from '../action/code-store.ts';
import { type Packed, packedOf } from '../action/pack-code.ts';
import type { ActionExec, Packager } from '../action/packager.ts';
import { type Action, type ActionLimits, DEFAULT_POLICY } from '../contract/action.ts';
import { JsonText } from '../json/json-text.ts';
import { printJson } from '../json/print.ts';
import { argumentsText } from '../node/function/arguments.ts';
import type { ActionFiles } from '../store/action-files.ts';
import type { ActionContent } from './action-body.ts';
import type { ActionRecord, RecordLimits } from './action-record.ts';
import { ApiError, NOT_FOUND } from './errors.ts';
import { printPieces } from './pieces.ts';
import { POLICY_ANNOTATION, policyOf } from './policy.ts';
import { type KeyValue, LIMIT_RANGES, type Parameter } from './schemas.ts';
import { parseStoredAction, type StoredAction, toStoredAction } from './stored-action.ts';

const MAX_ACTIONS = 100_000;
/** Code, parameters and annotations of all actions. */
const MAX_BYTES = 1024 * 1024 * 1024;
/** Parameters and annotations of one, which updates add to. */
const MAX_VALUE_BYTES = 1024 * 1024;
const MB = 1024 * 1024;

/** The actions of all namespaces, in memory, and in files if it was opened on such. */
export class ActionRegistry {
  readonly #records = new Map<string, ActionRecord>();
  readonly #packager: Packager;
  readonly #files: ActionFiles | undefined;
  /** Keys of actions whose change is on its way to the disk. */
  readonly #changing = new Set<string>();
  /** Ends the hold of each action on its image. */
  readonly #held = new Map<string, () => void>();
  #bytes = 0;

  constructor(packager: Packager, files?: ActionFiles) {
    this.#packager = packager;
    this.#files = files;
  }

  /**
   * With the actions that a registry before has left.
   * @param onBad hears of files that hold no action of this node; they stay where they are
   */
  static async open(
    packager: Packager,
    files: ActionFiles,
    onBad: (path: string, reason: string) => void,
  ): Promise<ActionRegistry> {
    const registry = new ActionRegistry(packager, files);
    await files.readAll(async (json) => {
      const record = await registry.#restore(parseStoredAction(json));
      registry.#account(record, undefined);
      registry.#set(keyOf(record), record, registry.use(record));
    }, onBad);
    await packager.images.sweep();
    return registry;
  }

  get size(): number {
    return this.#records.size;
  }

  /** @throws ApiError 404 */
  get(namespace: string, name: string): ActionRecord {
    const record = this.#records.get(`${namespace}/${name}`);
    if (record === undefined) throw new ApiError(404, NOT_FOUND);
    return record;
  }

  /** Newest first. */
  list(namespace: string): ActionRecord[] {
    return [...this.#records.values()]
      .filter((record) => record.namespace === namespace)
      .sort((a, b) => b.updated - a.updated);
  }

  /**
   * Makes an action, or with `overwrite` changes one: what the request leaves out stays.
   * @returns the new record, and the one that it replaced
   * @throws ApiError 409 when it exists or changed meanwhile; PlatformError for bad code, `store_failed`
   */
  async put(
    namespace: string,
    name: string,
    content: ActionContent,
    overwrite: boolean,
  ): Promise<{ record: ActionRecord; replaced: ActionRecord | undefined }> {
    try {
      return await this.#put(namespace, name, content, overwrite);
    } finally {
      // Refused before anybody has taken it.
      if (content.packed !== undefined) this.#packager.images.tidy(content.packed);
    }
  }

  async #put(
    namespace: string,
    name: string,
    content: ActionContent,
    overwrite: boolean,
  ): Promise<{ record: ActionRecord; replaced: ActionRecord | undefined }> {
    const key = `${namespace}/${name}`;
    const before = this.checkPut(namespace, name, overwrite);
    const exec = content.exec === undefined ? before?.exec : withoutAbsent(content.exec);
    if (exec === undefined) throw new ApiError(400, 'exec undefined');
    const packed =
      (content.exec === undefined ? before?.packed : content.packed) ??
      (await this.#packager.pack(exec, key));
    try {
      const record = this.#build(namespace, name, content, { exec, packed, before });
      await this.#commit(key, record, before);
      return { record, replaced: before };
    } finally {
      this.#packager.images.tidy(packed);
    }
  }

  /**
   * What a put would replace.
   * @throws ApiError 409 when it may not
   */
  checkPut(namespace: string, name: string, overwrite: boolean): ActionRecord | undefined {
    const before = this.#records.get(`${namespace}/${name}`);
    if (before !== undefined && !overwrite) throw new ApiError(409, 'resource already exists');
    return before;
  }

  /** Keeps what an invocation of it needs, whatever becomes of the action. Returns what ends that. */
  use({ action }: ActionRecord): () => void {
    return this.#packager.images.use(action.code);
  }

  /** From here on its image is held, so that it is there as long as the record is. */
  async #commit(key: string, record: ActionRecord, before: ActionRecord | undefined): Promise<void> {
    const { images } = this.#packager;
    if (this.#records.get(key) !== before || !images.has(record.action.code)) throw concurrentChange();
    this.#account(record, before);
    const giveUp = images.use(record.action.code);
    try {
      await this.#change(key, () =>
        this.#files?.write(key, printPieces(toStoredAction(record, imageOf(record)))),
      );
    } catch (error) {
      this.#bytes -= bytesOf(record) - bytesOf(before);
      giveUp();
      throw error;
    }
    this.#set(key, record, giveUp);
  }

  #set(key: string, record: ActionRecord, giveUp: () => void): void {
    this.#records.set(key, record);
    this.#held.get(key)?.();
    this.#held.set(key, giveUp);
  }

  /** Takes in an action that was packaged from this host's disk; of an image there is no code to hand out. */
  adopt(action: Action): ActionRecord {
    const [namespace, name] = action.name.split('/') as [string, string];
    const code = action.code.type === 'source' ? action.code.source : '';
    const record: ActionRecord = {
      namespace,
      name,
      version: action.version,
      publish: false,
      exec: { kind: action.kind, main: action.main, binary: action.code.type === 'image', code },
      parameters: [],
      annotations: withExec(annotationsOf({ annotations: policyAnnotation(action) }, undefined), action.kind),
      limits: standardLimits(),
      updated: Date.now(),
      packed: packedOf(action),
      action,
    };
    this.#account(record, this.#records.get(action.name));
    this.#set(action.name, record, this.use(record));
    return record;
  }

  /** @throws ApiError 404, 409 when it changes at the moment; PlatformError `store_failed` */
  async delete(namespace: string, name: string): Promise<ActionRecord> {
    const record = this.get(namespace, name);
    const key = keyOf(record);
    await this.#change(key, () => this.#files?.remove(key));
    this.#records.delete(key);
    this.#held.get(key)?.();
    this.#held.delete(key);
    this.#bytes -= bytesOf(record);
    return record;
  }

  /** One change of an action at a time reaches the disk, so that the last one there is the last one here. */
  async #change(key: string, write: () => Promise<void> | undefined): Promise<void> {
    if (this.#changing.has(key)) throw concurrentChange();
    this.#changing.add(key);
    try {
      await write();
    } finally {
      this.#changing.delete(key);
    }
  }

  #account(record: ActionRecord, before: ActionRecord | undefined): void {
    const total = this.#bytes + bytesOf(record) - bytesOf(before);
    if (total > MAX_BYTES || (before === undefined && this.#records.size >= MAX_ACTIONS)) {
      throw new ApiError(
        413,
        `This node holds ${MAX_ACTIONS} actions and ${MAX_BYTES / MB} MB of code and parameters.`,
      );
    }
    this.#bytes = total;
  }

  async #restore(stored: StoredAction): Promise<ActionRecord> {
    const { format: _, image, ...fields } = stored;
    const { exec } = stored;
    const packed = await this.#packager.repack(exec, image, keyOf(stored));
    const action = this.#packager.fromPacked(packed, exec, {
      name: keyOf(stored),
      version: stored.version,
      env: initEnvironment(stored.parameters),
      limits: toActionLimits(stored.limits),
      policy: policyOf(stored.annotations),
    });
    return { ...fields, packed, action };
  }

  #build(namespace: string, name: string, content: ActionContent, parts: Parts): ActionRecord {
    const { exec, packed, before } = parts;
    const parameters = content.parameters ?? before?.parameters ?? [];
    const limits = { ...(before?.limits ?? standardLimits()), ...withoutAbsent(content.limits ?? {}) };
    const version = content.version ?? nextVersion(before?.version);
    const annotations = annotationsOf(content, before);
    checkValues(parameters, annotations);
    const action = this.#packager.fromPacked(packed, exec, {
      name: `${namespace}/${name}`,
      version,
      env: initEnvironment(parameters),
      limits: toActionLimits(limits),
      policy: policyOf(annotations),
    });
    return {
      namespace,
      name,
      version,
      publish: content.publish ?? before?.publish ?? false,
      exec: { ...exec, kind: action.kind, binary: action.code.type === 'image' },
      parameters,
      annotations: withExec(annotations, action.kind),
      limits,
      updated: Date.now(),
      packed,
      action,
    };
  }
}

/** What a record is built of. */
interface Parts {
  readonly exec: ActionExec;
  readonly packed: Packed;
  readonly before: ActionRecord | undefined;
}

function keyOf({ namespace, name }: Pick<ActionRecord, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function bytesOf(record: ActionRecord | undefined): number {
  if (record === undefined) return 0;
  return record.exec.code.length + valueBytes(record.parameters) + valueBytes(record.annotations);
}

function valueBytes(values: readonly KeyValue[]): number {
  return values.reduce((sum, { key, value }) => sum + key.length + value.text.length, 0);
}

function checkValues(parameters: readonly KeyValue[], annotations: readonly KeyValue[]): void {
  if (valueBytes(parameters) > MAX_VALUE_BYTES || valueBytes(annotations) > MAX_VALUE_BYTES) {
    throw new ApiError(413, 'The parameters of an action may have 1 MB, and so may its annotations.');
  }
}

function imageOf({ action: { code } }: ActionRecord): string | null {
  return code.type === 'image' ? imageDigest(code.imagePath) : null;
}

function concurrentChange(): ApiError {
  return new ApiError(409, 'Concurrent modification to resource detected.');
}

function standardLimits(): RecordLimits {
  const { timeout, memory, logs, concurrency } = LIMIT_RANGES;
  return {
    timeout: timeout.standard,
    memory: memory.standard,
    logs: logs.standard,
    concurrency: concurrency.standard,
  };
}

function toActionLimits(limits: RecordLimits): Partial<ActionLimits> {
  return { timeoutMs: limits.timeout, memoryBytes: limits.memory * MB, logBytes: limits.logs * MB };
}

function annotationsOf(
  content: Pick<ActionContent, 'annotations' | 'delAnnotations'>,
  before: ActionRecord | undefined,
): KeyValue[] {
  const merged = new Map<string, JsonText>([['provide-api-key', JsonText.of(false)]]);
  for (const { key, value } of before?.annotations ?? []) merged.set(key, value);
  for (const key of content.delAnnotations ?? []) merged.delete(key);
  for (const { key, value } of content.annotations ?? []) merged.set(key, value);
  return [...merged].map(([key, value]) => ({ key, value }));
}

/** Clients list actions by the annotation `exec`; a put cannot change it. */
function withExec(annotations: readonly KeyValue[], kind: string): KeyValue[] {
  return [...annotations.filter(({ key }) => key !== 'exec'), { key: 'exec', value: JsonText.of(kind) }];
}

/** The annotation that an action of this policy would have been put with. */
function policyAnnotation({ policy: { startsFrom, specialize, warmup } }: Action): KeyValue[] {
  if (startsFrom === DEFAULT_POLICY.startsFrom && specialize.length === 0 && warmup === undefined) return [];
  const value = {
    state: startsFrom,
    specialize: specialize.map(argumentsText),
    ...(warmup !== undefined && { warmup: { ...warmup, args: argumentsText(warmup.args) } }),
  };
  return [{ key: POLICY_ANNOTATION, value: JsonText.parse(printJson(value)) }];
}

function initEnvironment(parameters: readonly Parameter[]): Record<string, string> {
  return Object.fromEntries(
    parameters.filter(({ init }) => init === true).map(({ key, value }) => [key, toText(value)]),
  );
}

/** A text is its own value, null is empty, and anything else is its JSON. */
function toText({ text }: JsonText): string {
  if (text === 'null') return '';
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
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
