import { Readable } from 'node:stream';
import type {
  FastifyInstance,
  FastifyReply,
  preParsingAsyncHookHandler,
  RouteShorthandOptions,
} from 'fastify';
import type { ActionExec } from '../../action/packager.ts';
import type { ActionRecord } from '../../catalog/action-record.ts';
import { printAction } from '../../catalog/print-action.ts';
import { bodyOf } from '../body.ts';
import { type ApiContext, identify, nameIn } from '../context.ts';
import { uploads } from '../http/bodies.ts';
import type { BodyBytes } from '../http/body-bytes.ts';
import { sendOutcome, waitLimit } from '../outcome.ts';
import { printList } from '../pieces.ts';
import {
  ARGUMENT_BODY_BYTES,
  getQuery,
  invokeQuery,
  listQuery,
  parse,
  parseArguments,
  putQuery,
} from '../schemas.ts';
import { readActionBody } from './action-body.ts';
import { putAction, replacedBy } from './put-action.ts';

/** 48 MB of code in base64, and room for the rest. */
const PUT_BYTES = 68 * 1024 * 1024;

const COLLECTION = '/api/v1/namespaces/:namespace/actions';
const ENTITY = `${COLLECTION}/:name`;

export function actionRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(COLLECTION, async (request, reply) => {
    const { namespace } = identify(request);
    const { limit, skip, count } = parse(listQuery, request.query);
    const all = context.actions.list(namespace);
    if (count) return { actions: all.length };
    const page = all.slice(skip, skip + limit).map(summary);
    return reply.type('application/json; charset=utf-8').send(Readable.from(printList(page)));
  });

  /** What a look at the path refuses needs no body. */
  const refuseEarly: preParsingAsyncHookHandler = async (request, _reply, payload) => {
    const { namespace } = identify(request);
    const { overwrite } = parse(putQuery, request.query);
    replacedBy(context.actions, { namespace, name: nameIn(request), overwrite });
    return payload;
  };
  const upload: RouteShorthandOptions = {
    bodyLimit: PUT_BYTES,
    config: { upload: true },
    preParsing: [refuseEarly, uploads()],
  };
  app.put(ENTITY, upload, async (request, reply) => {
    const { namespace } = identify(request);
    const name = nameIn(request);
    const { overwrite } = parse(putQuery, request.query);
    const body = request.body as BodyBytes | undefined;
    const content = await readActionBody(body, context.packager, `${namespace}/${name}`);
    const { record, replaced } = await putAction(context, { namespace, name, overwrite }, content);
    if (replaced !== undefined && replaced.action.digest !== record.action.digest) {
      await context.node.forget(replaced.action);
    }
    return send(reply, document(record, true));
  });

  app.get(ENTITY, async (request, reply) => {
    const { namespace } = identify(request);
    const { code } = parse(getQuery, request.query);
    const record = context.actions.get(namespace, nameIn(request));
    const specializations = context.node.halfwayPoints(record.action);
    const shown = { ...document(record, code), specializations };
    return send(reply, shown);
  });

  app.delete(ENTITY, async (request) => {
    const { namespace } = identify(request);
    const record = await context.actions.delete(namespace, nameIn(request));
    await context.node.forget(record.action);
    return document(record, false);
  });

  app.post(ENTITY, { bodyLimit: ARGUMENT_BODY_BYTES }, async (request, reply) => {
    const { subject, namespace } = identify(request);
    const record = context.actions.get(namespace, nameIn(request));
    const { blocking, result, timeout } = parse(invokeQuery, request.query);
    const outcome = await context.invoker.invoke({
      record,
      subject,
      params: parseArguments(bodyOf(request)),
      transactionId: request.id,
      waitMs: waitLimit(blocking, timeout, record.limits.timeout),
    });
    return sendOutcome(reply, outcome, blocking, result);
  });
}

/** Long code goes out as it is kept. */
function send(reply: FastifyReply, action: { readonly exec: Partial<ActionExec> }): FastifyReply {
  const pieces = printAction(action);
  reply.type('application/json; charset=utf-8');
  if (pieces.length === 1) return reply.send(pieces[0]);
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
  reply.header('content-length', String(bytes.reduce((sum, { length }) => sum + length, 0)));
  return reply.send(Readable.from(bytes));
}

function document(
  record: ActionRecord,
  withCode: boolean,
): Omit<ActionRecord, 'action' | 'packed' | 'exec'> & { readonly exec: Partial<ActionExec> } {
  const { action: _action, packed: _packed, exec, ...fields } = record;
  const { code, ...rest } = exec;
  return { ...fields, exec: withCode ? { ...rest, code } : rest };
}

function summary(record: ActionRecord): object {
  const { namespace, name, version, publish, annotations, limits, updated, exec } = record;
  return { namespace, name, version, publish, annotations, limits, updated, exec: { binary: exec.binary } };
}
