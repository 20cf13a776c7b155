import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, Subject } from '../auth.ts';
import { ApiError, handleError, NOT_FOUND } from '../errors.ts';
import { decode, faultOfTarget } from './target.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a key. Every other route asks for one. */
    public?: true;
  }
  interface FastifyRequest {
    /** Whom it speaks for; null on public routes alone. */
    subject: Subject | null;
  }
}

/** A client that takes nothing of an answer for so long, or twice as long if it took some first, is left. */
const ANSWER_IDLE_MS = 30_000;
/** Paths that are not there are not there for everybody, but below these nothing is told without a key. */
const PROTECTED = /^\/(?:api|seuss)\/v1(?:\/|$)/;

/**
 * What stands before every route, those that come later included: a plain target, then the key,
 * then the size that the body is said to have. Nothing of a body is read before, and nothing of it
 * after a refusal.
 */
export function guard(app: FastifyInstance, auth: Authenticator): void {
  app.decorateRequest('subject', null);
  // Callbacks and not promises: these run for each request, and wait for nothing.
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    admit(request, auth);
    if (expectsContinue(request)) reply.raw.writeContinue();
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    closeUnread(request, reply);
    limitAnswer(request, reply);
    done();
  });
  // Without this Node.js asks for the body by itself, before anybody has looked at the request.
  app.server.on('checkContinue', app.routing);
}

/** @throws ApiError 400, 401, 404, 413 */
function admit(request: FastifyRequest, auth: Authenticator): void {
  const fault = faultOfTarget(request.originalUrl);
  if (fault !== undefined) throw new ApiError(400, `The path of the request is not taken: ${fault}.`);
  if (needsKey(request)) request.subject = auth.authenticate(request.headers.authorization);
  if (request.is404) throw new ApiError(404, NOT_FOUND);
  if (declaredBytes(request) > request.routeOptions.bodyLimit) throw tooLarge();
}

/** For what the router itself does not take: no hook has run then. */
export function refuse(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  closeUnread(request, reply);
  handleError(new ApiError(400, 'The path of the request is not taken.'), request, reply);
}

/** A connection with the rest of a body on it serves no other request: the rest would have to be read. */
function closeUnread({ raw, headers }: FastifyRequest, reply: FastifyReply): void {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !raw.complete) reply.header('connection', 'close');
}

/**
 * Most answers are gone at once. The limit ends before Node.js's own handler of `finish`, which
 * then waits for the next request as it does.
 */
function limitAnswer({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): void {
  if (!(socket instanceof Socket)) return;
  setImmediate(() => {
    if (raw.writableFinished || raw.destroyed) return;
    socket.setTimeout(ANSWER_IDLE_MS);
    raw.prependOnceListener('finish', () => socket.setTimeout(0));
  });
}

/** Of the body; 0 when the request does not say. */
export function declaredBytes({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? 0);
}

export function tooLarge(): ApiError {
  return new ApiError(413, 'The request is larger than this resource allows.');
}

function needsKey(request: FastifyRequest): boolean {
  if (!request.is404) return request.routeOptions.config.public !== true;
  const [path = ''] = request.originalUrl.split('?', 1);
  return PROTECTED.test(decode(path) ?? path);
}

function expectsContinue({ headers }: FastifyRequest): boolean {
  return /^100-continue$/i.test(headers.expect ?? '');
}
