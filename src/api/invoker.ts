import { randomUUID } from 'node:crypto';
import type { ActionCatalog } from '../catalog/action-catalog.ts';
import type { ActionRecord } from '../catalog/action-record.ts';
import type { LogLine } from '../contract/activation.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ActivationHistory } from '../history/activation-history.ts';
import { type ActivationRecord, activationRecord, failedRecord } from '../history/activation-record.ts';
import { type JsonText, mergeObjects, objectOf } from '../json/json-text.ts';
import type { Subject } from './auth.ts';
import { describe } from './errors.ts';

interface InvokeRequest {
  readonly record: ActionRecord;
  readonly subject: Subject;
  readonly params: JsonText;
  readonly transactionId: string;
  /** How long the client waits, at most; 0 for a client that does not wait. */
  readonly waitMs: number;
}

interface ResumeRequest {
  readonly snapshotId: string;
  /** Of the action whose run was captured. */
  readonly record: ActionRecord;
  readonly subject: Subject;
  /** As for an invocation. */
  readonly waitMs: number;
}

export type InvokeOutcome =
  | { readonly type: 'done'; readonly record: ActivationRecord }
  /** Still running; the record will be in the store. */
  | { readonly type: 'accepted'; readonly activationId: string };

/** Runs actions for the API and files what came of it. */
export class Invoker {
  readonly #node: ComputeNode;
  readonly #actions: ActionCatalog;
  readonly #history: ActivationHistory;

  constructor(node: ComputeNode, actions: ActionCatalog, history: ActivationHistory) {
    this.#node = node;
    this.#actions = actions;
    this.#history = history;
  }

  /** @throws PlatformError when the node refuses or fails while the client waits */
  invoke(request: InvokeRequest): Promise<InvokeOutcome> {
    return this.#carryOut(request, (activationId) => this.#run(activationId, request));
  }

  /** @throws PlatformError as `invoke` */
  resume(request: ResumeRequest): Promise<InvokeOutcome> {
    return this.#carryOut(request, (activationId) => this.#goOn(activationId, request));
  }

  async #carryOut(
    { record, subject, waitMs }: Pick<InvokeRequest, 'record' | 'subject' | 'waitMs'>,
    work: (activationId: string) => Promise<ActivationRecord>,
  ): Promise<InvokeOutcome> {
    const startMs = Date.now();
    const activationId = randomUUID().replaceAll('-', '');
    const { promise: expired, cancel } = expiry(waitMs);
    let waiting = true;
    const giveUp = this.#actions.use(record);
    const run = work(activationId)
      .catch((error: unknown) => {
        if (waiting) throw error;
        this.#history.add(failedRecord(activationId, subject.name, record, startMs, describe(error).message));
        return undefined;
      })
      .finally(giveUp);
    try {
      const filed = await Promise.race([run, expired]);
      if (filed !== undefined) return { type: 'done', record: filed };
      return { type: 'accepted', activationId };
    } finally {
      waiting = false;
      cancel();
    }
  }

  async #run(activationId: string, request: InvokeRequest): Promise<ActivationRecord> {
    const { record, subject, params, transactionId } = request;
    const env = {
      __OW_ACTIVATION_ID: activationId,
      __OW_NAMESPACE: record.namespace,
      __OW_ACTION_NAME: `/${record.namespace}/${record.name}`,
      __OW_ACTION_VERSION: record.version,
      __OW_TRANSACTION_ID: transactionId,
      __OW_DEADLINE: String(Date.now() + record.limits.timeout),
    };
    let filed: ActivationRecord | undefined;
    const early: LogLine[] = [];
    const onLateLog = (line: LogLine): void => {
      if (filed === undefined) early.push(line);
      else this.#history.append(activationId, line);
    };
    const options = { id: activationId, env, onLateLog };
    const activation = await this.#node.invoke(record.action, withDefaults(record, params), options);
    filed = activationRecord(activationId, subject.name, record, activation);
    for (const line of early) filed.log.append(line);
    return this.#file(filed);
  }

  async #goOn(activationId: string, request: ResumeRequest): Promise<ActivationRecord> {
    const { record, subject, snapshotId } = request;
    const activation = await this.#node.resume(snapshotId, { id: activationId });
    return this.#file(activationRecord(activationId, subject.name, record, activation, snapshotId));
  }

  #file(record: ActivationRecord): ActivationRecord {
    this.#history.add(record);
    return record;
  }
}

/** The action's own parameters below those of the request; an array stands for itself. */
function withDefaults({ parameters }: ActionRecord, params: JsonText): JsonText {
  const defaults = parameters.filter(({ init }) => init !== true);
  if (defaults.length === 0 || !params.isObject) return params;
  return mergeObjects(objectOf(defaults.map(({ key, value }) => [key, value])), params);
}

/** A client that does not wait still learns of a refusal that comes at once (a full queue). */
function expiry(waitMs: number): { promise: Promise<undefined>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (waitMs === 0) {
    const immediate = setImmediate(() => resolve(undefined));
    return { promise, cancel: () => clearImmediate(immediate) };
  }
  const timer = setTimeout(() => resolve(undefined), waitMs);
  return { promise, cancel: () => clearTimeout(timer) };
}
