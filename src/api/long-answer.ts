import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

/** From here on an answer goes out in pieces of that length, with others' turns in between. */
export const LONG_ANSWER_CHARS = 64 * 1024;

/** Answers with a JSON text that comes in pieces. */
export function sendPieces(reply: FastifyReply, pieces: Iterable<string>, isLong: boolean): FastifyReply {
  reply.type('application/json; charset=utf-8');
  return reply.send(isLong ? Readable.from(inTurns(pieces)) : Array.from(pieces).join(''));
}

async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string, void> {
  let batch = '';
  for (const piece of pieces) {
    batch += piece;
    if (batch.length >= LONG_ANSWER_CHARS) {
      yield batch;
      batch = '';
      await turn();
    }
  }
  yield batch;
}
