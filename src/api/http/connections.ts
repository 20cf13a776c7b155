import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';

/** Each takes a descriptor and memory; at most half of the descriptors that the host grants. */
const CONNECTIONS_MAX = 4096;
/** From here on connections that wait for nothing are closed, to have room for others. */
const CROWDED = 7 / 8;

/** How long a client may take for the head of a request, from its connection or its first byte on. */
export const HEAD_MS = 10_000;
/** How often that is looked at. */
export const HEAD_LOOK_MS = 2000;
/** For a request as a whole. Bodies have a minimum rate besides. */
export const REQUEST_MS = 20 * 60_000;

/** Bounds how many connections there are. At the bound, those that are idle go first. */
export function limitConnections(server: Server, max = connectionsMax()): void {
  server.maxConnections = max;
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open > max * CROWDED) server.closeIdleConnections();
  });
}

function connectionsMax(): number {
  return Math.min(CONNECTIONS_MAX, Math.floor(descriptorLimit() / 2));
}

/** Node.js has raised the soft limit to the hard one at its start. */
function descriptorLimit(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
