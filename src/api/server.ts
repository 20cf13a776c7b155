import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Packager } from '../action/packager.ts';
import type { ComputeNode } from '../node/types.ts';
import { ActivationStore, type StoreLimits } from './activation-store.ts';
import { Authenticator, DEFAULT_GUEST_KEY } from './auth.ts';
import type { ApiContext } from './context.ts';
import { ApiError, handleError, NOT_FOUND } from './errors.ts';
import { Invoker } from './invoker.ts';
import { ActionRegistry } from './registry.ts';
import { actionRoutes } from './routes/actions.ts';
import { activationRoutes } from './routes/activations.ts';
import { namespaceRoutes } from './routes/namespaces.ts';
import { rootRoutes } from './routes/root.ts';
import { runningRoutes } from './routes/running.ts';
import { snapshotRoutes } from './routes/snapshots.ts';

export interface ApiOptions {
  readonly node: ComputeNode;
  readonly packager: Packager;
  /** Its actions; by default an empty registry in memory. */
  readonly actions?: ActionRegistry;
  /** Kinds that the node runs. */
  readonly kinds: readonly string[];
  /** `user:password`; OpenWhisk's public guest key by default. */
  readonly key?: string;
  readonly store?: StoreLimits;
  /** Log requests that fail on this side to stderr. */
  readonly log?: boolean;
}

export interface Api {
  readonly app: FastifyInstance;
  readonly actions: ActionRegistry;
}

/** OpenWhisk's REST API in front of a node. The caller listens and closes; the node stays the caller's. */
export function createApi(options: ApiOptions): Api {
  const app = fastify({
    logger: options.log === true ? { level: 'error', stream: process.stderr } : false,
    requestIdHeader: false,
    genReqId: () => randomUUID().replaceAll('-', ''),
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
  });
  const auth = new Authenticator(options.key ?? DEFAULT_GUEST_KEY);
  const actions = options.actions ?? new ActionRegistry(options.packager);
  const activations = new ActivationStore(options.store);
  const context: ApiContext = {
    node: options.node,
    actions,
    activations,
    invoker: new Invoker(options.node, activations),
    kinds: options.kinds,
  };
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(() => {
    throw new ApiError(404, NOT_FOUND);
  });
  app.decorateRequest('subject', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (/^\/(api|seuss)\/v1\//.test(request.url))
      request.subject = auth.authenticate(request.headers.authorization);
  });
  parseEveryBodyAsJson(app);
  for (const routes of [
    rootRoutes,
    namespaceRoutes,
    actionRoutes,
    activationRoutes,
    runningRoutes,
    snapshotRoutes,
  ]) {
    routes(app, context);
  }
  return { app, actions };
}

/** OpenWhisk's clients say JSON, `curl -d` says something else; there is nothing but JSON here. */
function parseEveryBodyAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body);
    if (text.trim() === '') return done(null, undefined);
    try {
      done(null, JSON.parse(text));
    } catch (error) {
      done(new ApiError(400, `The request content was malformed: ${(error as Error).message}`));
    }
  });
}
