import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ByteGate } from './byte-gate.ts';
import { declaredBytes } from './gate.ts';
import { readBody } from './read-body.ts';

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
  // OpenWhisk's clients say JSON, `curl -d` says something else; there is nothing but JSON here. It stays a text, in which numbers
  // keep their digits.
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const body = await readBody(payload, declaredBytes(request), request.routeOptions.bodyLimit);
    return body.text();
  });
}

/** A body of unknown length counts as the longest that the route takes. */
function expectedBytes(request: FastifyRequest): number {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return chunked ? request.routeOptions.bodyLimit : declaredBytes(request);
}
