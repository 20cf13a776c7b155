import type { Readable } from 'node:stream';
import { ApiError } from '../errors.ts';
import { BodyBytes } from './body-bytes.ts';
import { tooLarge } from './gate.ts';
import type { Patience } from './patience.ts';

/** How long a body may take: so much, and the time of its bytes at a slow rate. */
const PACE = { graceMs: 10_000, bytesPerMs: 64 };
/** Of one body in one turn of the event loop: others wait behind it. */
const TURN_BYTES = 256 * 1024;

/**
 * Reads a body to its end.
 * @param declared length that the request says, 0 for none
 * @throws ApiError 400, 408, 413
 */
export function readBody(
  payload: Readable,
  declared: number,
  limit: number,
  patience: Patience,
  { graceMs, bytesPerMs } = PACE,
): Promise<BodyBytes> {
  return new Promise((resolve, reject) => {
    const body = new BodyBytes(declared);
    const startMs = performance.now();
    let turnBytes = 0;
    let settled = false;
    // What a broken connection says is said by its end.
    payload.on('data', take).once('end', finish).once('close', broken).on('error', ignore);
    patience.enter(look);

    function look(): void {
      if (performance.now() - startMs < graceMs + body.length / bytesPerMs) return;
      settle(() => reject(new ApiError(408, 'The body of the request came too slowly.')));
    }

    function take(chunk: Buffer): void {
      if (body.length + chunk.length > limit) {
        settle(() => reject(tooLarge()));
        return;
      }
      body.append(chunk);
      turnBytes += chunk.length;
      if (turnBytes > TURN_BYTES) rest();
    }

    function rest(): void {
      payload.pause();
      turnBytes = 0;
      setImmediate(() => {
        if (!settled) payload.resume();
      });
    }

    function finish(): void {
      if (declared > 0 && body.length !== declared) broken();
      else settle(() => resolve(body));
    }

    function broken(): void {
      settle(() => reject(new ApiError(400, 'The body of the request is not complete.')));
    }

    /** After it nothing more is read; who answers closes the connection. */
    function settle(tell: () => void): void {
      settled = true;
      patience.leave(look);
      payload.off('data', take).off('end', finish).off('close', broken).pause();
      tell();
    }
  });
}

function ignore(): void {}
