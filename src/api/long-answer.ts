import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

/** From here on an answer goes out in pieces of that length, with others' turns in between. */
const LONG_ANSWER_CHARS = 64 * 1024;

/**
 * Answers with a JSON text that comes in pieces.
 * @param bytes of it, about
 */
export function sendPieces(reply: FastifyReply, pieces: Iterable<string>, bytes: number): FastifyReply {
  reply.type('application/json; charset=utf-8');
  return reply.send(bytes > LONG_ANSWER_CHARS ? Readable.from(inTurns(pieces)) : Array.from(pieces).join(''));
}

/** As texts: memory outside of the heap would only be given back when garbage is collected. */
async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string, void> {
  let batch = '';
  for (const piece of pieces) {
    batch += piece;
    while (batch.length >= LONG_ANSWER_CHARS) {
      const cut = wholeCharacters(batch, LONG_ANSWER_CHARS);
      yield batch.slice(0, cut);
      batch = batch.slice(cut);
      await turn();
    }
  }
  yield batch;
}

/** The most characters up to `length` that do not end with the first half of a pair. */
function wholeCharacters(text: string, length: number): number {
  const last = text.charCodeAt(length - 1);
  return last >= 0xd800 && last < 0xdc00 ? length - 1 : length;
}
