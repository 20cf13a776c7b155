import { imageDigest } from '../action/code-store.ts';
import type { ActionExec, Packager } from '../action/packager.ts';
import { JsonText } from '../json/json-text.ts';
import { printJson } from '../json/print.ts';
import { argumentsText } from '../node/arguments.ts';
import { type Action, type ActionLimits, DEFAULT_POLICY } from '../node/types.ts';
import type { ActionFiles } from '../store/action-files.ts';
import { ApiError, NOT_FOUND } from './errors.ts';
import { POLICY_ANNOTATION, policyOf } from './policy.ts';
import { type ActionPut, type KeyValue, LIMIT_RANGES, type Parameter } from './schemas.ts';
import { parseStoredAction, type StoredAction, toStoredAction } from './stored-action.ts';

const MAX_ACTIONS = 100_000;
const MAX_CODE_BYTES = 1024 * 1024 * 1024;
const MB = 1024 * 1024;

type Limits = { timeout: number; memory: number; logs: number; concurrency: number };

/** An action as it was put, and what the node runs for it. */
export interface ActionRecord {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly publish: boolean;
  readonly exec: ActionExec;
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly KeyValue[];
  readonly limits: Limits;
  /** Milliseconds since the epoch. */
  readonly updated: number;
  readonly action: Action;
}

/** The actions of all namespaces, in memory, and in files if it was opened on such. */
export class ActionRegistry {
  readonly #records = new Map<string, ActionRecord>();
  readonly #packager: Packager;
  readonly #files: ActionFiles | undefined;
  /** Keys of actions whose change is on its way to the disk. */
  readonly #changing = new Set<string>();
  #codeBytes = 0;

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
    await files.readAll(async (text) => {
      const record = await registry.#restore(parseStoredAction(text));
      registry.#account(record, undefined);
      registry.#records.set(keyOf(record), record);
    }, onBad);
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
    content: ActionPut,
    overwrite: boolean,
  ): Promise<{ record: ActionRecord; replaced: ActionRecord | undefined }> {
    const key = `${namespace}/${name}`;
    const before = this.#records.get(key);
    if (before !== undefined && !overwrite) throw new ApiError(409, 'resource already exists');
    const record = await this.#build(namespace, name, content, before);
    if (this.#records.get(key) !== before) throw concurrentChange();
    this.#account(record, before);
    try {
      await this.#change(key, () =>
        this.#files?.write(key, printJson(toStoredAction(record, imageOf(record)))),
      );
    } catch (error) {
      this.#codeBytes -= codeBytes(record) - codeBytes(before);
      throw error;
    }
    this.#records.set(key, record);
    return { record, replaced: before };
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
      action,
    };
    this.#account(record, this.#records.get(action.name));
    this.#records.set(action.name, record);
    return record;
  }

  /** @throws ApiError 404, 409 when it changes at the moment; PlatformError `store_failed` */
  async delete(namespace: string, name: string): Promise<ActionRecord> {
    const record = this.get(namespace, name);
    const key = keyOf(record);
    await this.#change(key, () => this.#files?.remove(key));
    this.#records.delete(key);
    this.#codeBytes -= codeBytes(record);
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
    const total = this.#codeBytes + codeBytes(record) - codeBytes(before);
    if (total > MAX_CODE_BYTES || (before === undefined && this.#records.size >= MAX_ACTIONS)) {
      throw new ApiError(
        413,
        `This node holds ${MAX_ACTIONS} actions and ${MAX_CODE_BYTES / MB} MB of code.`,
      );
    }
    this.#codeBytes = total;
  }

  async #restore(stored: StoredAction): Promise<ActionRecord> {
    const { format: _, image, ...fields } = stored;
    const action = await this.#packager.fromStored(stored.exec, image, {
      name: keyOf(stored),
      version: stored.version,
      env: initEnvironment(stored.parameters),
      limits: toActionLimits(stored.limits),
      policy: policyOf(stored.annotations),
    });
    return { ...fields, action };
  }

  async #build(
    namespace: string,
    name: string,
    content: ActionPut,
    before: ActionRecord | undefined,
  ): Promise<ActionRecord> {
    const exec = content.exec === undefined ? before?.exec : withoutAbsent(content.exec);
    if (exec === undefined) throw new ApiError(400, 'exec undefined');
    const parameters = content.parameters ?? before?.parameters ?? [];
    const limits = { ...(before?.limits ?? standardLimits()), ...withoutAbsent(content.limits ?? {}) };
    const version = content.version ?? nextVersion(before?.version);
    const annotations = annotationsOf(content, before);
    const action = await this.#packager.fromExec(exec, {
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
      action,
    };
  }
}

function keyOf({ namespace, name }: Pick<ActionRecord, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function codeBytes(record: ActionRecord | undefined): number {
  return record?.exec.code.length ?? 0;
}

function imageOf({ action: { code } }: ActionRecord): string | null {
  return code.type === 'image' ? imageDigest(code.imagePath) : null;
}

function concurrentChange(): ApiError {
  return new ApiError(409, 'Concurrent modification to resource detected.');
}

function standardLimits(): Limits {
  const { timeout, memory, logs, concurrency } = LIMIT_RANGES;
  return {
    timeout: timeout.standard,
    memory: memory.standard,
    logs: logs.standard,
    concurrency: concurrency.standard,
  };
}

function toActionLimits(limits: Limits): Partial<ActionLimits> {
  return { timeoutMs: limits.timeout, memoryBytes: limits.memory * MB, logBytes: limits.logs * MB };
}

function annotationsOf(content: ActionPut, before: ActionRecord | undefined): KeyValue[] {
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
function policyAnnotation({ policy: { state, specialize, warmup } }: Action): KeyValue[] {
  if (state === DEFAULT_POLICY.state && specialize.length === 0 && warmup === undefined) return [];
  const value = {
    state,
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
