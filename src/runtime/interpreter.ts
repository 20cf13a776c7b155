import { anticipations } from './anticipations.ts';
import type { Kind } from './kinds.ts';

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
};

const NODEJS_FLAGS: readonly string[] = [
  // A UC has one processor: collector and compiler threads only take turns with the program, and
  // a collection that is half done at the capture is finished by every clone, page by page.
  '--single-threaded',
  '--v8-pool-size=1',
  // As in a process with memory to spare: half of it, V8's choice for a small one, cost JSON and regular
  // expressions 6 to 10 % of their speed.
  '--max-semi-space-size=16',
  // Eight seconds after the last allocation V8 collects the whole heap to give memory back. In a UC
  // that copies megabytes of pages which it shares with all others.
  '--no-memory-reducer',
  // Worker threads inherit it, and with it what makes their randomness differ between clones.
  '--require=/seuss/worker.cjs',
];

const NODEJS_ENV = {
  NODE_ENV: 'production',
};

const PYTHON_FLAGS: readonly string[] = [
  // No directory of the user's packages exists: do not look for it.
  '-s',
  // The root is read-only: do not try to write byte code.
  '-B',
];

const PYTHON_ENV = {
  PYTHONIOENCODING: 'UTF-8',
  PYTHONUTF8: '1',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
};

/** Anticipatory optimisation: all of it, none, or all but some of its items. */
export type Anticipate = boolean | { readonly except: readonly string[] };

export function interpreterCommand(kind: Kind, anticipate: Anticipate): InterpreterCommand {
  const driverFlags = driverFlagsOf(kind, anticipate);
  switch (kind.language) {
    case 'nodejs':
      return {
        argv: ['/usr/bin/node', ...NODEJS_FLAGS, '/seuss/driver.cjs', ...driverFlags],
        env: { ...COMMON_ENV, ...NODEJS_ENV },
        cwd: '/',
      };
    case 'python':
      return {
        argv: [`/usr/bin/python${kind.version}`, ...PYTHON_FLAGS, '/seuss/driver.py', ...driverFlags],
        env: { ...COMMON_ENV, ...PYTHON_ENV },
        cwd: '/',
      };
  }
}

function driverFlagsOf(kind: Kind, anticipate: Anticipate): readonly string[] {
  if (typeof anticipate === 'boolean') {
    return anticipate ? [] : ['--no-ao'];
  }
  const names = anticipations(kind.language).map(({ name }) => name);
  const left = names.filter((name) => anticipate.except.includes(name));
  return left.length === 0 ? [] : [`--no-ao=${left.join(',')}`];
}
