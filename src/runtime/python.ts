import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import type { ImageEntry } from '../image/entries.ts';
import { hostEntry, hostTree } from '../image/host-tree.ts';
import type { Kind } from './kinds.ts';
import { isLibraryName } from './libraries.ts';

/**
 * Parts of the standard library that functions have no use for: tests, build files,
 * desktop tools. Start-up hooks of the host (sitecustomize, .pth files) stay out too: what
 * they do belongs to the host, and would run in every boot.
 */
const STDLIB_OMIT =
  /^(test|idlelib|turtledemo|ensurepip|config-[^/]*|sitecustomize\.py|dist-packages\/[^/]*\.pth)$|(^|\/)(tests?)(\/|$)/;
const DIST_PACKAGES_OMIT = /^[^/]*\.pth$|^(apt|apt_pkg[^/]*|apt_inst[^/]*|gi|dbus)(\/|$)|(^|\/)tests(\/|$)/;

/** glibc loads libgcc_s to end threads. */
export const PYTHON_DLOPENED = ['libgcc_s.so.1'];

export function findPython(kind: Kind): string | undefined {
  const path = `/usr/bin/python${kind.version}`;
  return existsSync(path) ? path : undefined;
}

async function tree(dir: string, omit: RegExp): Promise<ImageEntry[]> {
  return existsSync(dir)
    ? await Array.fromAsync(hostTree(dir, { at: dir, keep: (path) => !omit.test(path) }))
    : [];
}

/** Interpreter, standard library and Debian's packages, at the host's own paths. */
export async function pythonEntries(kind: Kind): Promise<{ entries: ImageEntry[]; programs: string[] }> {
  const binary = findPython(kind);
  if (binary === undefined) {
    throw new PlatformError(
      'runtime_missing',
      `${kind.name} is not installed: no /usr/bin/python${kind.version}`,
      {
        remedy: 'run: sudo apt-get install -y python3',
      },
    );
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
