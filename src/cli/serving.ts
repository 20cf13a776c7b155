import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_GUEST_KEY } from '../api/auth.ts';
import { PlatformError } from '../contract/errors.ts';
import { Interrupted } from './interrupt.ts';

export const DEFAULT_HOST = '127.0.0.1';
/** The port of OpenWhisk's standalone server. */
export const DEFAULT_PORT = 3233;

/** @throws PlatformError `listen_failed` */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  await app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
    throw new PlatformError('listen_failed', `cannot listen on ${host}:${port} (${cause.code})`, {
      remedy: 'Choose another --port, or end the program that uses it.',
      cause,
    });
  });
}

export function announce({ address, family, port }: AddressInfo, key: string, json: boolean): void {
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  if (json) {
    console.log(JSON.stringify({ url, key }));
    return;
  }
  console.log(`Serving at  ${url}\nKey         ${key}`);
  if (key === DEFAULT_GUEST_KEY && address !== '127.0.0.1' && address !== '::1') {
    console.error('seuss: this key is public, and others can reach this address; give your own with --key');
  }
}

/** Ctrl-C is how a server ends: no error. */
export async function untilInterrupted(interrupted: Promise<never>): Promise<void> {
  await interrupted.catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
  });
}
