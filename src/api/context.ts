import type { FastifyRequest } from 'fastify';
import type { Packager } from '../action/packager.ts';
import type { ActionCatalog } from '../catalog/action-catalog.ts';
import { entityName } from '../catalog/fields.ts';
import type { ComputeNode } from '../contract/node.ts';
import type { ActivationHistory } from '../history/activation-history.ts';
import { namespaceOf, type Subject } from './auth.ts';
import { ApiError } from './errors.ts';
import type { Invoker } from './invoker.ts';
import { parse } from './schemas.ts';

/** What the routes of all resources share. */
export interface ApiContext {
  readonly node: ComputeNode;
  readonly packager: Packager;
  readonly actions: ActionCatalog;
  readonly activations: ActivationHistory;
  readonly invoker: Invoker;
  /** Kinds that this node runs, for `GET /`. */
  readonly kinds: readonly string[];
}

/** Who asks, in which namespace. */
export function identify(request: FastifyRequest): { subject: Subject; namespace: string } {
  const { namespace } = request.params as { namespace: string };
  const subject = subjectOf(request);
  return { subject, namespace: namespaceOf(subject, namespace) };
}

export function subjectOf(request: FastifyRequest): Subject {
  if (request.subject === null) throw new ApiError(401, 'The supplied authentication is invalid.');
  return request.subject;
}

export function nameIn(request: FastifyRequest): string {
  return parse(entityName, (request.params as { name: string }).name);
}
