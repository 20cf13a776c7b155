import type { FastifyInstance } from 'fastify';
import type { RunningActivation } from '../../contract/activation.ts';
import type { Subject } from '../auth.ts';
import { type ApiContext, subjectOf } from '../context.ts';
import { ApiError, NOT_FOUND } from '../errors.ts';
import { activationId, parse } from '../schemas.ts';

const COLLECTION = '/seuss/v1/activations';

/** Activations that have not been answered yet; OpenWhisk's own resource shows those that have. */
export function runningRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(`${COLLECTION}/running`, async (request) => ownOf(subjectOf(request), context));

  app.post(`${COLLECTION}/:id/capture`, async (request, reply) => {
    const subject = subjectOf(request);
    const id = parse(activationId, (request.params as { id: string }).id);
    if (ownOf(subject, context).every((running) => running.id !== id)) {
      if (context.activations.get(subject.namespace, id) === undefined) throw new ApiError(404, NOT_FOUND);
      throw new ApiError(409, 'The activation has ended; only a running one can be captured.');
    }
    return reply.code(201).send(await context.node.capture(id));
  });
}

function ownOf({ namespace }: Subject, { node }: ApiContext): RunningActivation[] {
  return node.running().filter(({ of }) => of.startsWith(`${namespace}/`));
}
