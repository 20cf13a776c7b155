import type { Activation, ActivationLogs, ActivationStatus } from '../contract/activation.ts';
import type { JsonValue } from '../json/json-text.ts';
import { JsonText } from '../json/json-text.ts';
import { printJson } from '../json/print.ts';
import { AnsweredActivation } from '../node/invoke/answered.ts';
import { ActivationLog } from '../uc/activation-log.ts';

/** What a record says of the action. */
export interface Invoked {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly exec: { readonly kind: string };
  readonly limits: { timeout: number; memory: number; logs: number; concurrency: number };
}

/** OpenWhisk's record of one activation, as its REST API shows it. */
export interface ActivationRecord {
  readonly activationId: string;
  readonly namespace: string;
  readonly name: string;
  readonly subject: string;
  readonly version: string;
  readonly publish: boolean;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly duration: number;
  readonly response: {
    readonly status: ActivationStatus;
    readonly success: boolean;
    readonly result: JsonText;
    /** Bytes of the result as JSON. */
    readonly size: number;
  };
  /** Grows by what the function writes after its answer. */
  readonly log: ActivationLogs;
  readonly annotations: readonly { readonly key: string; readonly value: JsonValue }[];
}

/** Numbers of the four outcomes in list summaries. */
const STATUS_CODE: Readonly<Record<ActivationStatus, number>> = {
  success: 0,
  'application error': 1,
  'action developer error': 2,
  'whisk internal error': 3,
};

/** @param resumedFrom id of the snapshot that it went on from */
export function activationRecord(
  id: string,
  subject: string,
  of: Invoked,
  activation: Activation,
  resumedFrom?: string,
): ActivationRecord {
  const { timings, path, startMs, endMs, status, resultText: result, timedOut } = activation;
  const annotations: { key: string; value: JsonValue }[] = [
    { key: 'path', value: `${of.namespace}/${of.name}` },
    { key: 'kind', value: of.exec.kind },
    { key: 'waitTime', value: Math.round(timings.waitMs) },
    { key: 'limits', value: of.limits },
    { key: 'timeout', value: timedOut },
    {
      key: 'seuss',
      value: { path, timings: { ...timings }, ...(resumedFrom !== undefined && { resumedFrom }) },
    },
  ];
  if (timings.initMs !== undefined) annotations.push({ key: 'initTime', value: Math.round(timings.initMs) });
  return {
    activationId: id,
    namespace: of.namespace,
    name: of.name,
    subject,
    version: of.version,
    publish: false,
    start: Math.round(startMs),
    end: Math.round(endMs),
    duration: Math.round(endMs - startMs),
    response: {
      status,
      success: status === 'success',
      result,
      size: Buffer.byteLength(result.text),
    },
    log: activation.log,
    annotations,
  };
}

/** A record of an invocation that the platform could not carry out. */
export function failedRecord(
  id: string,
  subject: string,
  of: Invoked,
  startMs: number,
  error: string,
): ActivationRecord {
  const timings = { waitMs: 0, runMs: 0, totalMs: Date.now() - startMs };
  const outcome = {
    status: 'whisk internal error',
    result: JsonText.of({ error }),
    timedOut: false,
  } as const;
  return activationRecord(
    id,
    subject,
    of,
    new AnsweredActivation(outcome, 'cold', timings, new ActivationLog(), startMs),
  );
}

/** Of a record's JSON: what a function decides about. */
export function recordBytes({ response, log }: ActivationRecord): number {
  return response.size + log.bytes;
}

/** The JSON of a record, in pieces that are soon made. */
export function* printRecord({ log, ...fields }: ActivationRecord): Generator<string> {
  yield `${printJson(fields).slice(0, -1)},"logs":[`;
  yield* log.pieces();
  yield ']}';
}

/** The short form in lists. */
export function activationSummary(record: ActivationRecord): object {
  const { response, log: _log, subject: _subject, ...rest } = record;
  return { ...rest, statusCode: STATUS_CODE[response.status] };
}
