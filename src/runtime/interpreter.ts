import { anticipations } from './anticipations.ts';
import { DRIVER_VERSION, DRIVER_VERSION_VARIABLE } from './driver-version.ts';
import type { Kind } from './language.ts';

/** How the interpreter of a kind is started in a UC. */
export interface InterpreterCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const COMMON_ENV = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  // One malloc arena: the threads of a UC share one processor, and each arena spreads over pages of its own.
  MALLOC_ARENA_MAX: '1',
  TZ: 'UTC',
  [DRIVER_VERSION_VARIABLE]: String(DRIVER_VERSION),
};

/** Anticipation: all of it, none, or all but some of its items. */
export type Anticipate = boolean | { readonly except: readonly string[] };

export function interpreterCommand(kind: Kind, anticipate: Anticipate): InterpreterCommand {
  const { argv, env } = kind.language.command(kind, driverFlagsOf(kind, anticipate));
  return { argv, env: { ...COMMON_ENV, ...env }, cwd: '/' };
}

function driverFlagsOf(kind: Kind, anticipate: Anticipate): readonly string[] {
  if (typeof anticipate === 'boolean') {
    return anticipate ? [] : ['--no-ao'];
  }
  const names = anticipations(kind.language.name).map(({ name }) => name);
  const left = names.filter((name) => anticipate.except.includes(name));
  return left.length === 0 ? [] : [`--no-ao=${left.join(',')}`];
}
