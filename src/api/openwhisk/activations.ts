import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ActivationLogs } from '../../contract/activation.ts';
import {
  type ActivationRecord,
  activationSummary,
  printRecord,
  recordBytes,
} from '../../history/activation-record.ts';
import { printJson } from '../../json/print.ts';
import { type ApiContext, identify } from '../context.ts';
import { ApiError, NOT_FOUND } from '../errors.ts';
import { sendPieces } from '../long-answer.ts';
import { activationsQuery, parse } from '../schemas.ts';

const COLLECTION = '/api/v1/namespaces/:namespace/activations';
const ENTITY = `${COLLECTION}/:id`;

export function activationRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(COLLECTION, async (request, reply) => {
    const { namespace } = identify(request);
    const { limit, skip, count, docs, ...filter } = parse(activationsQuery, request.query);
    const all = context.activations.list(namespace, filter);
    if (count) return { activations: all.length };
    const page = all.slice(skip, skip + limit);
    return docs ? sendPieces(reply, printAll(page), sumOf(page)) : page.map(activationSummary);
  });

  app.get(ENTITY, async (request, reply) => {
    const record = find(context, request);
    return sendPieces(reply, printRecord(record), recordBytes(record));
  });
  app.get(`${ENTITY}/result`, async (request, reply) => {
    const { response } = find(context, request);
    return sendPieces(reply, [printJson(response)], response.size);
  });
  app.get(`${ENTITY}/logs`, async (request, reply) => {
    const { log } = find(context, request);
    return sendPieces(reply, printLogs(log), log.bytes);
  });
}

function sumOf(page: readonly ActivationRecord[]): number {
  return page.reduce((sum, record) => sum + recordBytes(record), 0);
}

function* printAll(page: readonly ActivationRecord[]): Generator<string> {
  yield '[';
  for (const [index, record] of page.entries()) {
    yield index === 0 ? '' : ',';
    yield* printRecord(record);
  }
  yield ']';
}

function* printLogs(log: ActivationLogs): Generator<string> {
  yield '{"logs":[';
  yield* log.pieces();
  yield ']}';
}

function find(context: ApiContext, request: FastifyRequest): ActivationRecord {
  const { namespace } = identify(request);
  const record = context.activations.get(namespace, (request.params as { id: string }).id);
  if (record === undefined) throw new ApiError(404, NOT_FOUND);
  return record;
}
