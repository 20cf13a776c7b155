import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Packager } from '../action/packager.ts';
import { ActionCatalog } from '../catalog/action-catalog.ts';
import type { ComputeNode } from '../contract/node.ts';
import { type HistoryLimits, MemoryHistory } from '../history/memory-history.ts';
import { printJson } from '../json/print.ts';
import { Authenticator, DEFAULT_GUEST_KEY } from './auth.ts';
import { readText } from './body.ts';
import type { ApiContext } from './context.ts';
import { ApiError, handleError, NOT_FOUND } from './errors.ts';
import { BODY_BYTES, readBodies } from './http/bodies.ts';
import { HEAD_LOOK_MS, HEAD_MS, limitConnections, REQUEST_MS } from './http/connections.ts';
import { guard, refuse } from './http/gate.ts';
import { Invoker } from './invoker.ts';
import { actionRoutes } from './openwhisk/actions.ts';
import { activationRoutes } from './openwhisk/activations.ts';
import { namespaceRoutes } from './openwhisk/namespaces.ts';
import { rootRoutes } from './openwhisk/root.ts';
import { runningRoutes } from './seuss/running.ts';
import { snapshotRoutes } from './seuss/snapshots.ts';

interface ApiOptions {
  readonly node: ComputeNode;
  readonly packager: Packager;
  /** Its actions; by default an empty catalogue in memory. */
  readonly actions?: ActionCatalog;
  /** Kinds that the node runs. */
  readonly kinds: readonly string[];
  /** `user:password`; OpenWhisk's public guest key by default. */
  readonly key?: string;
  readonly history?: HistoryLimits;
  /** Log requests that fail on this side to stderr. */
  readonly log?: boolean;
}

export interface Api {
  readonly app: FastifyInstance;
  readonly actions: ActionCatalog;
}

/** OpenWhisk's REST API in front of a node. The caller listens and closes; the node stays the caller's. */
export function createApi(options: ApiOptions): Api {
  const app = fastify({
    logger: options.log === true ? { level: 'error', stream: process.stderr } : false,
    requestIdHeader: false,
    genReqId: () => randomUUID().replaceAll('-', ''),
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEAD_MS, connectionsCheckingInterval: HEAD_LOOK_MS },
    frameworkErrors: refuse,
  });
  limitConnections(app.server);
  const auth = new Authenticator(options.key ?? DEFAULT_GUEST_KEY);
  const actions = options.actions ?? new ActionCatalog(options.packager);
  const activations = new MemoryHistory(options.history);
  const context: ApiContext = {
    node: options.node,
    packager: options.packager,
    actions,
    activations,
    invoker: new Invoker(options.node, actions, activations),
    kinds: options.kinds,
  };
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(() => {
    throw new ApiError(404, NOT_FOUND);
  });
  guard(app, auth);
  readBodies(app, readText);
  // Values of clients and functions stand in answers as they came.
  app.setReplySerializer(printJson);
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
