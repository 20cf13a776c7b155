import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, type ServerOptions } from '../../src/bench/hostile/server.ts';

/** Users that a node is served as: the one of the tests, and an ordinary one if that is root. */
export const USERS =
  process.getuid?.() === 0 ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);
export type User = (typeof USERS)[number];

/** Nobody's, in any distribution. */
const NOBODY = 65_534;

export interface Served {
  readonly server: Server;
  close(): Promise<void>;
}

/** A node of its own in a process of its own. */
export async function serveAs(user: User, options: ServerOptions = {}): Promise<Served> {
  if (user === 'root' || process.getuid?.() !== 0) {
    const server = await Server.start(options);
    return { server, close: () => server.stop() };
  }
  const home = mkdtempSync(join(tmpdir(), 'seuss-nobody-'));
  chownSync(home, NOBODY, NOBODY);
  const remove = () => rmSync(home, { recursive: true, force: true });
  try {
    const server = await Server.start({ ...options, as: { uid: NOBODY, gid: NOBODY, home } });
    return { server, close: () => server.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}
