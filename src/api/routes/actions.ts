import type { FastifyInstance } from 'fastify';
import { actionDocument, bodyOf } from '../body.ts';
import { type ApiContext, identify, nameIn } from '../context.ts';
import type { ActionRecord } from '../registry.ts';
import {
  ARGUMENT_BODY_BYTES,
  actionPut,
  getQuery,
  invokeQuery,
  listQuery,
  parse,
  parseArguments,
  putQuery,
} from '../schemas.ts';
import { sendOutcome, waitLimit } from './outcome.ts';

/** 48 MB of code in base64, and room for the rest. */
const PUT_BYTES = 68 * 1024 * 1024;

const COLLECTION = '/api/v1/namespaces/:namespace/actions';
const ENTITY = `${COLLECTION}/:name`;

export function actionRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get(COLLECTION, async (request) => {
    const { namespace } = identify(request);
    const { limit, skip, count } = parse(listQuery, request.query);
    const all = context.actions.list(namespace);
    if (count) return { actions: all.length };
    return all.slice(skip, skip + limit).map(summary);
  });

  app.put(ENTITY, { bodyLimit: PUT_BYTES }, async (request) => {
    const { namespace } = identify(request);
    const { overwrite } = parse(putQuery, request.query);
    const body = bodyOf(request);
    const content = parse(actionPut, body === undefined ? {} : (actionDocument(body) ?? {}));
    const { record, replaced } = await context.actions.put(namespace, nameIn(request), content, overwrite);
    if (replaced !== undefined && replaced.action.digest !== record.action.digest) {
      await context.node.forget(replaced.action);
    }
    return document(record, true);
  });

  app.get(ENTITY, async (request) => {
    const { namespace } = identify(request);
    const { code } = parse(getQuery, request.query);
    const record = context.actions.get(namespace, nameIn(request));
    return { ...document(record, code), specializations: context.node.specializations(record.action) };
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

function document(record: ActionRecord, withCode: boolean): object {
  const { action: _action, exec, ...fields } = record;
  const { code, ...rest } = exec;
  return { ...fields, exec: withCode ? { ...rest, code } : rest };
}

function summary(record: ActionRecord): object {
  const { namespace, name, version, publish, annotations, limits, updated, exec } = record;
  return { namespace, name, version, publish, annotations, limits, updated, exec: { binary: exec.binary } };
}
