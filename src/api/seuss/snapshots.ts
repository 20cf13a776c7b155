import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SnapshotInfo } from '../../contract/snapshot.ts';
import type { Subject } from '../auth.ts';
import { type ApiContext, subjectOf } from '../context.ts';
import { ApiError, NOT_FOUND } from '../errors.ts';
import { sendOutcome, waitLimit } from '../outcome.ts';
import { invokeQuery, parse, snapshotId } from '../schemas.ts';

/** Snapshots, which OpenWhisk has no resource for. */
const COLLECTION = '/seuss/v1/snapshots';
const ENTITY = `${COLLECTION}/:id`;

export function snapshotRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(COLLECTION, async (request) => visibleTo(subjectOf(request), context));

  app.get(ENTITY, async (request) => context.node.inspect(find(request, context, 'id').id));

  app.get(`${ENTITY}/diff/:other`, async (request) =>
    context.node.diff(find(request, context, 'id').id, find(request, context, 'other').id),
  );

  app.delete(ENTITY, async (request) => {
    const snapshot = find(request, context, 'id');
    await context.node.dropSnapshot(snapshot.id);
    return snapshot;
  });

  app.post(`${ENTITY}/resume`, async (request, reply) => {
    const subject = subjectOf(request);
    const snapshot = find(request, context, 'id');
    const { blocking, result, timeout } = parse(invokeQuery, request.query);
    if (snapshot.kind === 'runtime') {
      throw new ApiError(409, 'A runtime holds no run that could go on.');
    }
    const [namespace, name] = snapshot.of.split('/') as [string, string];
    const record = context.actions.get(namespace, name);
    const outcome = await context.invoker.resume({
      snapshotId: snapshot.id,
      record,
      subject,
      waitMs: waitLimit(blocking, timeout, record.limits.timeout),
    });
    return sendOutcome(reply, outcome, blocking, result);
  });
}

/** Those of the subject's own actions, and the runtimes, which all share. */
function visibleTo({ namespace }: Subject, { node }: ApiContext): SnapshotInfo[] {
  return node
    .stats()
    .snapshots.filter(({ kind, of }) => kind === 'runtime' || of.startsWith(`${namespace}/`));
}

function find(request: FastifyRequest, context: ApiContext, parameter: string): SnapshotInfo {
  const id = parse(snapshotId, (request.params as Record<string, string>)[parameter]);
  const snapshot = visibleTo(subjectOf(request), context).find((each) => each.id === id);
  if (snapshot === undefined) throw new ApiError(404, NOT_FOUND);
  return snapshot;
}
