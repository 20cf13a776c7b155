import { PlatformError } from '../contract/errors.ts';
import { kindNames, resolveKind } from './kinds.ts';

interface RuntimeInfo {
  readonly kind: string;
  /** Host path of the interpreter, or undefined when it is not installed. */
  readonly interpreter: string | undefined;
}

export function listRuntimes(): RuntimeInfo[] {
  return kindNames().map(infoOf);
}

function infoOf(name: string): RuntimeInfo {
  const kind = resolveKind(name);
  return { kind: kind.name, interpreter: kind.language.find(kind) };
}

/**
 * Makes a kind available on this host; does nothing when it is.
 * @throws PlatformError `unknown_kind`, `runtime_install_failed`, or `runtime_missing` for a kind that only
 * the system's package manager can bring
 */
export async function addRuntime(name: string): Promise<RuntimeInfo> {
  const kind = resolveKind(name);
  const { language } = kind;
  if (language.find(kind) === undefined) {
    if (language.install === undefined) {
      throw new PlatformError('runtime_missing', `${kind.name} comes with the system`, {
        remedy: `run: ${language.remedy(kind)}`,
      });
    }
    await language.install(kind);
  }
  return infoOf(kind.name);
}
