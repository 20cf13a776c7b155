import type { FastifyReply } from 'fastify';
import { printRecord, recordBytes } from '../history/activation-record.ts';
import type { InvokeOutcome } from './invoker.ts';
import { sendPieces } from './long-answer.ts';

/** So that an action that uses up its time answers with that error and not with a 202. */
const WAIT_GRACE_MS = 1000;

/**
 * How long a client waits that asked for `timeout`; 0 for one that does not. Milliseconds. It is not
 * shortened to the action's limit: an invocation may wait for its turn before its own time begins.
 */
export function waitLimit(blocking: boolean, timeout: number, actionTimeout: number): number {
  if (!blocking) return 0;
  return actionTimeout <= timeout ? timeout + WAIT_GRACE_MS : timeout;
}

/** Answers with the activation, its result alone, or its id when there is no more to tell yet. */
export function sendOutcome(
  reply: FastifyReply,
  outcome: InvokeOutcome,
  blocking: boolean,
  resultOnly: boolean,
): FastifyReply {
  const id = outcome.type === 'accepted' ? outcome.activationId : outcome.record.activationId;
  reply.header('x-openwhisk-activation-id', id);
  if (outcome.type === 'accepted' || !blocking) {
    return reply.code(202).send({ activationId: id });
  }
  const { record } = outcome;
  reply.code(statusOf(record.response.status));
  const { result, size } = record.response;
  if (resultOnly) {
    reply.header('content-length', String(size));
    return sendPieces(reply, [result.text], size);
  }
  return sendPieces(reply, printRecord(record), recordBytes(record));
}

function statusOf(status: string): number {
  if (status === 'success') return 200;
  return status === 'whisk internal error' ? 500 : 502;
}
