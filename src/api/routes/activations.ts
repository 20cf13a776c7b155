import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type ActivationRecord, activationDocument, activationSummary } from '../activation-record.ts';
import { type ApiContext, identify } from '../context.ts';
import { ApiError, NOT_FOUND } from '../errors.ts';
import { printList } from '../pieces.ts';
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
    if (!docs) return page.map(activationSummary);
    return reply
      .type('application/json; charset=utf-8')
      .send(Readable.from(printList(page.map(activationDocument))));
  });

  app.get(ENTITY, async (request) => activationDocument(find(context, request)));
  app.get(`${ENTITY}/result`, async (request) => find(context, request).response);
  app.get(`${ENTITY}/logs`, async (request) => ({ logs: find(context, request).log.document() }));
}

function find(context: ApiContext, request: FastifyRequest): ActivationRecord {
  const { namespace } = identify(request);
  const record = context.activations.get(namespace, (request.params as { id: string }).id);
  if (record === undefined) throw new ApiError(404, NOT_FOUND);
  return record;
}
