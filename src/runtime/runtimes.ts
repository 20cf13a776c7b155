import { PlatformError } from '../contract/errors.ts';
import { kindNames, resolveKind } from './kinds.ts';
import { findNodejs, installNodejs } from './nodejs.ts';
import { findPython } from './python.ts';

export interface RuntimeInfo {
  readonly kind: string;
  /** Host path of the interpreter, or undefined when it is not installed. */
  readonly interpreter: string | undefined;
}

export function listRuntimes(): RuntimeInfo[] {
  return kindNames().map((name) => {
    const kind = resolveKind(name);
    return { kind: name, interpreter: kind.language === 'nodejs' ? findNodejs(kind) : findPython(kind) };
  });
}

/**
 * Makes a kind available on this host; does nothing when it is.
 * @throws PlatformError `unknown_kind`, `runtime_install_failed`, or `runtime_missing` for a kind that only
 * the system's package manager can bring
 */
export async function addRuntime(name: string): Promise<RuntimeInfo> {
  const kind = resolveKind(name);
  if (kind.language === 'python') {
    const interpreter = findPython(kind);
    if (interpreter === undefined) {
      throw new PlatformError('runtime_missing', `${kind.name} comes with the system`, {
        remedy: 'run: sudo apt-get install -y python3',
      });
    }
    return { kind: kind.name, interpreter };
  }
  if (findNodejs(kind) === undefined) {
    await installNodejs(kind);
  }
  return { kind: kind.name, interpreter: findNodejs(kind) };
}
