import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseJson } from '../schemas.ts';
import { ByteGate } from './byte-gate.ts';
import { declaredBytes } from './gate.ts';
import { readBody } from './read-body.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler gets the body's text, not what it says as JSON. */
    bodyAsText?: true;
  }
}

/** Of a route that says nothing. */
export const BODY_BYTES = 64 * 1024;
/** Bodies that are on their way, or whose requests are not answered yet. */
const BODIES_BYTES = 256 * 1024 * 1024;

/** Reads bodies: bounded in size, time, and in what all of them take together. */
export function readBodies(app: FastifyInstance): void {
  const gate = new ByteGate(BODIES_BYTES);
  app.addHook('onRequest', (request, reply, done) => {
    const bytes = expectedBytes(request);
    if (bytes > 0) reply.raw.once('close', gate.enterNow(bytes));
    done();
  });
  app.removeAllContentTypeParsers();
  // OpenWhisk's clients say JSON, `curl -d` says something else; there is nothing but JSON here.
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const body = await readBody(payload, declaredBytes(request), request.routeOptions.bodyLimit);
    const text = body.text();
    return request.routeOptions.config.bodyAsText === true ? text : parseJson(text);
  });
}

/** A body of unknown length counts as the longest that the route takes. */
function expectedBytes(request: FastifyRequest): number {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return chunked ? request.routeOptions.bodyLimit : declaredBytes(request);
}
