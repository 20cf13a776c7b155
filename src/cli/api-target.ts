import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_GUEST_KEY } from '../api/auth.ts';
import { UsageError } from './errors.ts';
import { DEFAULT_HOST, DEFAULT_PORT } from './serving.ts';

/** A running node, and the key that it takes. */
export interface ApiTarget {
  /** Origin, like `http://127.0.0.1:3233`. */
  readonly url: string;
  /** `user:password` */
  readonly key: string;
}

export interface TargetFlags {
  readonly apihost?: string;
  readonly auth?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Adds the options by which OpenWhisk's own client is told where to go. */
export function targetOptions(command: Command): Command {
  return command
    .option(
      '--apihost <host>',
      'node to talk to (default: $SEUSS_APIHOST, $__OW_API_HOST, APIHOST of ~/.wskprops, or ' +
        `${DEFAULT_HOST}:${DEFAULT_PORT})`,
    )
    .option(
      '-u, --auth <user:password>',
      'API key (default: $SEUSS_KEY, $__OW_API_KEY, AUTH of ~/.wskprops, or the guest key)',
    );
}

/**
 * The first that is there: option, environment, `~/.wskprops` (or `$WSK_CONFIG_FILE`), what
 * `seuss serve` takes.
 */
export function resolveTarget(flags: TargetFlags, env: Environment = process.env): ApiTarget {
  const properties = readProperties(env.WSK_CONFIG_FILE ?? join(env.HOME ?? homedir(), '.wskprops'));
  const host =
    flags.apihost ||
    env.SEUSS_APIHOST ||
    env.__OW_API_HOST ||
    properties.APIHOST ||
    `${DEFAULT_HOST}:${DEFAULT_PORT}`;
  const key = flags.auth || env.SEUSS_KEY || env.__OW_API_KEY || properties.AUTH || DEFAULT_GUEST_KEY;
  if (!/^[^:]+:.+$/.test(key)) throw new UsageError('The key has the form user:password.');
  return { url: originOf(host), key };
}

/** A host without a scheme is spoken to by TLS, unless it is this one. */
function originOf(host: string): string {
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?\/?$/i.test(host);
  const url = URL.parse(host.includes('://') ? host : `${isLocal ? 'http' : 'https'}://${host}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${host} is no host: give HOST, HOST:PORT or a URL.`);
  }
  return url.origin;
}

/** `NAME=VALUE` lines; what OpenWhisk's client writes. A file that is not there has none. */
function readProperties(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  const lines = text.split('\n').filter((line) => !line.startsWith('#') && line.includes('='));
  return Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    }),
  );
}
