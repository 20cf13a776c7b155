import type { Readable } from 'node:stream';
import { ApiError } from '../errors.ts';
import { BodyBytes } from './body-bytes.ts';
import { tooLarge } from './gate.ts';

/** How long a body may take: so much, and the time of its bytes at a slow rate. */
const PACE = { graceMs: 10_000, bytesPerMs: 64 };

/**
 * Reads a body to its end.
 * @param declared length that the request says, 0 for none
 * @throws ApiError 400, 408, 413
 */
export function readBody(
  payload: Readable,
  declared: number,
  limit: number,
  { graceMs, bytesPerMs } = PACE,
): Promise<BodyBytes> {
  return new Promise((resolve, reject) => {
    const body = new BodyBytes(declared);
    const startMs = performance.now();
    const allowedMs = () => graceMs + body.length / bytesPerMs - (performance.now() - startMs);
    let timer = setTimeout(look, graceMs);
    payload.on('data', take).once('end', finish).once('error', broken).once('close', broken);

    function look(): void {
      const leftMs = allowedMs();
      if (leftMs > 0) timer = setTimeout(look, leftMs + 1);
      else settle(() => reject(new ApiError(408, 'The body of the request came too slowly.')));
    }

    function take(chunk: Buffer): void {
      if (body.length + chunk.length > limit) settle(() => reject(tooLarge()));
      else body.append(chunk);
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
      clearTimeout(timer);
      payload.off('data', take).off('end', finish).off('error', broken).off('close', broken);
      payload.on('error', () => undefined).pause();
      tell();
    }
  });
}
