import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../../contract/errors.ts';
import type { ImageEntry } from '../../image/entries.ts';
import { hostEntry, hostTree } from '../../image/host-tree.ts';
import type { Kind, Language, LanguageCommand, LanguageFiles } from '../language.ts';
import { isLibraryName } from '../libraries.ts';

/**
 * Parts of the standard library that functions have no use for: tests, build files,
 * desktop tools. Start-up hooks of the host (sitecustomize, .pth files) stay out too: what
 * they do belongs to the host, and would run in every boot.
 */
const STDLIB_OMIT = new RegExp(
  [
    /^(test|idlelib|turtledemo|ensurepip|config-[^/]*|sitecustomize\.py|dist-packages\/[^/]*\.pth)$/,
    /(^|\/)(tests?)(\/|$)/,
  ]
    .map(({ source }) => source)
    .join('|'),
);
const DIST_PACKAGES_OMIT = /^[^/]*\.pth$|^(apt|apt_pkg[^/]*|apt_inst[^/]*|gi|dbus)(\/|$)|(^|\/)tests(\/|$)/;

const FLAGS: readonly string[] = [
  // No directory of the user's packages exists: do not look for it.
  '-s',
  // The root is read-only: do not try to write byte code.
  '-B',
];

const ENV = {
  PYTHONIOENCODING: 'UTF-8',
  PYTHONUTF8: '1',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
};

export const python: Language = {
  name: 'python',
  versions: ['3.11'],
  defaultVersion: '3.11',
  aliases: { '3': '3.11' },
  extensions: ['.py'],
  roots: ['__main__.py'],
  sourceName: '__main__.py',
  // glibc loads it to end threads.
  dlopened: ['libgcc_s.so.1'],
  hugePages: false,
  find,
  remedy: () => 'sudo apt-get install -y python3',
  files,
  command,
};

/** The same on the host and in the image. */
function pathOf({ version }: Kind): string {
  return `/usr/bin/python${version}`;
}

function find(kind: Kind): string | undefined {
  const path = pathOf(kind);
  return existsSync(path) ? path : undefined;
}

async function tree(dir: string, omit: RegExp): Promise<ImageEntry[]> {
  return existsSync(dir)
    ? await Array.fromAsync(hostTree(dir, { at: dir, keep: (path) => !omit.test(path) }))
    : [];
}

/** Interpreter, standard library and Debian's packages, at the host's own paths. */
async function files(kind: Kind): Promise<LanguageFiles> {
  const binary = find(kind);
  if (binary === undefined) {
    throw new PlatformError('runtime_missing', `${kind.name} is not installed: no ${pathOf(kind)}`, {
      remedy: `run: ${python.remedy(kind)}`,
    });
  }
  const program = await hostEntry(await realpath(binary), binary);
  const entries = [
    ...(program === undefined ? [] : [program]),
    ...(await tree(`/usr/lib/python${kind.version}`, STDLIB_OMIT)),
    ...(await tree('/usr/lib/python3/dist-packages', DIST_PACKAGES_OMIT)),
    ...['python3', 'python'].map(
      (name): ImageEntry => ({
        path: join('/usr/bin', name),
        mode: 0o777,
        source: { type: 'symlink', target: `python${kind.version}` },
      }),
    ),
  ];
  const modules = entries.flatMap(({ path, source }) =>
    source.type === 'host-file' && isLibraryName(path) ? [source.hostPath] : [],
  );
  return { entries, programs: [binary, ...modules] };
}

function command(kind: Kind, driverFlags: readonly string[]): LanguageCommand {
  return { argv: [pathOf(kind), ...FLAGS, '/seuss/driver.py', ...driverFlags], env: ENV };
}
