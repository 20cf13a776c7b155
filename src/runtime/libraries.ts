import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readElfDependencies } from '../elf/dependencies.ts';

/** Where ld.so looks without a cache; the image has no ld.so.cache. */
const DEFAULT_DIRS = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];
/** Where hosts keep more, known to them by /etc/ld.so.conf. Such libraries move to a default folder. */
const EXTRA_DIRS = ['/usr/local/lib/x86_64-linux-gnu', '/usr/local/lib'];

interface SharedLibrary {
  /** Path in the image, under the name that its users ask for. */
  readonly path: string;
  readonly hostPath: string;
}

interface LibraryClosure {
  readonly libraries: readonly SharedLibrary[];
  /** PT_INTERP of the programs among the roots. */
  readonly interpreters: readonly string[];
  /** Names that nothing on the host provides. Modules that need them fail to load, as on the host. */
  readonly missing: readonly string[];
}

function libcDir(): string {
  return DEFAULT_DIRS.find((dir) => existsSync(join(dir, 'libc.so.6'))) ?? '/usr/lib';
}

function findLibrary(name: string, ownPath: readonly string[]): SharedLibrary | undefined {
  for (const dir of [...ownPath, ...DEFAULT_DIRS, ...EXTRA_DIRS]) {
    const found = join(dir, name);
    if (existsSync(found)) {
      const home = realpathSync(EXTRA_DIRS.includes(dir) ? libcDir() : dir);
      return { path: join(home, name), hostPath: realpathSync(found) };
    }
  }
  return undefined;
}

/**
 * All shared libraries that the given programs and modules need, directly or not, plus
 * `extra` ones that are opened by name at run time.
 */
export function libraryClosure(roots: readonly string[], extra: readonly string[]): LibraryClosure {
  const libraries = new Map<string, SharedLibrary>();
  const interpreters = new Set<string>();
  const missing = new Set<string>();
  const pending = [...roots];
  const seen = new Set<string>(roots);

  const need = (name: string, ownPath: readonly string[]): void => {
    const library = name.includes('/') ? undefined : findLibrary(name, ownPath);
    if (library === undefined) {
      missing.add(name);
      return;
    }
    libraries.set(library.path, library);
    if (!seen.has(library.hostPath)) {
      seen.add(library.hostPath);
      pending.push(library.hostPath);
    }
  };

  for (const name of extra) {
    need(name, []);
  }
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const elf = readElfDependencies(path);
    if (elf?.interpreter !== undefined) {
      interpreters.add(elf.interpreter);
    }
    const origin = dirname(path);
    const ownPath = (elf?.searchPath ?? []).map((dir) => dir.replaceAll(/\$\{?ORIGIN\}?/g, origin));
    for (const name of elf?.needed ?? []) {
      need(name, ownPath);
    }
  }
  return { libraries: [...libraries.values()], interpreters: [...interpreters], missing: [...missing] };
}

export function isLibraryName(path: string): boolean {
  return /\.so(\.\d+)*$/.test(basename(path));
}
