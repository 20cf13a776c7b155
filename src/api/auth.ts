import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiError } from './errors.ts';

/** Whom a request speaks for. */
export interface Subject {
  readonly name: string;
  readonly namespace: string;
}

/** The guest key of every OpenWhisk that was set up for trial: public, so no protection at all. */
export const DEFAULT_GUEST_KEY =
  '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP';

/** The only namespace that a node has. */
export const NAMESPACE = 'guest';

/** Checks HTTP basic authentication against one key, `user:password`, of the node's namespace. */
export class Authenticator {
  readonly #expected: Buffer;
  readonly #subject: Subject = { name: 'guest', namespace: NAMESPACE };

  constructor(key: string) {
    this.#expected = digest(key);
  }

  /** @throws ApiError 401 */
  authenticate(header: string | undefined): Subject {
    const match = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '');
    const given = digest(match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8'));
    if (match === null || !timingSafeEqual(given, this.#expected)) {
      throw new ApiError(401, 'The supplied authentication is invalid.');
    }
    return this.#subject;
  }
}

/** Digests are compared in place of the keys, since equal length is what timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Resolves `_` and refuses namespaces of others. */
export function namespaceOf(subject: Subject, requested: string): string {
  if (requested !== '_' && requested !== subject.namespace) {
    throw new ApiError(403, 'The supplied authentication is not authorized to access this resource.');
  }
  return subject.namespace;
}
