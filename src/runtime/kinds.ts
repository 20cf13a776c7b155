import { PlatformError } from '../contract/errors.ts';
import type { Kind, Language } from './language.ts';
import { LANGUAGES } from './languages.ts';

const KINDS: readonly Kind[] = LANGUAGES.flatMap((language) =>
  language.versions.map((version) => ({ name: nameOf(language, version), language, version })),
);

const ALIASES: ReadonlyMap<string, string> = new Map(
  LANGUAGES.flatMap((language): [string, string][] => {
    const standard = standardKindOf(language);
    const more = Object.entries(language.aliases).map(([alias, version]): [string, string] => [
      nameOf(language, alias),
      nameOf(language, version),
    ]);
    return [[language.name, standard], [defaultKindOf(language), standard], ...more];
  }),
);

function nameOf({ name }: Language, version: string): string {
  return `${name}:${version}`;
}

/** `nodejs:default`, to be resolved. */
export function defaultKindOf(language: Language): string {
  return nameOf(language, 'default');
}

/** The kind that users of a language get unless they name another. */
export function standardKindOf(language: Language): string {
  return nameOf(language, language.defaultVersion);
}

export function kindNames(): string[] {
  return KINDS.map((kind) => kind.name);
}

/**
 * Resolves a kind as users write it.
 * @throws PlatformError `unknown_kind`
 */
export function resolveKind(name: string): Kind {
  const resolved = ALIASES.get(name) ?? name;
  const kind = KINDS.find((candidate) => candidate.name === resolved);
  if (kind === undefined) {
    throw new PlatformError('unknown_kind', `unknown kind ${JSON.stringify(name)}`, {
      remedy: `choose one of ${[...kindNames(), ...LANGUAGES.map(defaultKindOf)].join(', ')}`,
    });
  }
  return kind;
}
