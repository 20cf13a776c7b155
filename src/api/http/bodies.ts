import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, preParsingAsyncHookHandler } from 'fastify';
import type { BodyBytes } from './body-bytes.ts';
import { ByteGate } from './byte-gate.ts';
import { declaredBytes } from './gate.ts';
import { Patience } from './patience.ts';
import { readBody } from './read-body.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its bodies may be long: the handler gets them as BodyBytes, and they have `uploads` to go through. */
    upload?: true;
  }
}

/** Of a route that says nothing. */
export const BODY_BYTES = 64 * 1024;
/**
 * Bodies that are on their way, or whose requests are not answered yet. Those that are no longer
 * than the least are left out: the number of connections bounds them.
 */
const BODIES_BYTES = 256 * 1024 * 1024;
/** The same of uploads; those that find no room wait before they are read. */
const UPLOADS_BYTES = 160 * 1024 * 1024;
const UPLOADS_WAITING = 64;
const UPLOAD_WAIT_MS = 30_000;

/**
 * Reads bodies: bounded in size, time, and in what all of them take together.
 * @param toText what requests get of a body that is no upload
 */
export function readBodies(app: FastifyInstance, toText: (body: BodyBytes) => unknown): void {
  const gate = new ByteGate(BODIES_BYTES);
  const patience = new Patience();
  app.addHook('onRequest', (request, reply, done) => {
    const bytes = request.routeOptions.config.upload === true ? 0 : expectedBytes(request);
    if (bytes > BODY_BYTES) reply.raw.once('close', gate.enterNow(bytes));
    done();
  });
  app.removeAllContentTypeParsers();
  // OpenWhisk's clients say JSON, `curl -d` says something else; there is nothing but JSON here. It
  // stays a text, in which numbers keep their digits.
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const body = await readBody(payload, declaredBytes(request), request.routeOptions.bodyLimit, patience);
    return request.routeOptions.config.upload === true ? body : await toText(body);
  });
}

/** A hook of routes that take uploads. */
export function uploads(): preParsingAsyncHookHandler {
  const gate = new ByteGate(UPLOADS_BYTES, UPLOADS_WAITING, UPLOAD_WAIT_MS);
  return async (request: FastifyRequest, reply: FastifyReply, payload) => {
    const bytes = expectedBytes(request);
    if (bytes > 0) {
      const leave = await gate.enter(bytes);
      if (reply.raw.destroyed) leave();
      else reply.raw.once('close', leave);
    }
    return payload;
  };
}

/** A body of unknown length counts as the longest that the route takes. */
function expectedBytes(request: FastifyRequest): number {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return chunked ? request.routeOptions.bodyLimit : declaredBytes(request);
}
