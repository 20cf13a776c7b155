import { basename, extname } from 'node:path';
import { PlatformError } from '../contract/errors.ts';
import { defaultKindOf } from '../runtime/kinds.ts';
import type { Language } from '../runtime/language.ts';
import { LANGUAGES, languageOf } from '../runtime/languages.ts';
import type { CodeTree } from './code-tree.ts';

const BY_EXTENSION: ReadonlyMap<string, Language> = new Map(
  LANGUAGES.flatMap((language) => language.extensions.map((extension) => [extension, language] as const)),
);

/** Kind of a single source file, by its extension. */
export function kindOfFile(path: string): string {
  const language = BY_EXTENSION.get(extname(path).toLowerCase());
  if (language === undefined) {
    throw new PlatformError(
      'unknown_code',
      `${basename(path)} has none of the endings ${[...BY_EXTENSION.keys()].join(' ')}.`,
      {
        remedy: 'Name the kind with --kind, or give a folder, a .zip or a .tar.gz.',
      },
    );
  }
  return defaultKindOf(language);
}

/** Kind of a folder or archive, by the file that a driver would start with. */
export function kindOfTree(tree: CodeTree, origin: string): string {
  const [first, second] = LANGUAGES.flatMap((language) => {
    const root = language.roots.find((path) => tree.has(path));
    return root === undefined ? [] : [{ language, root }];
  });
  if (first !== undefined && second !== undefined) {
    throw new PlatformError('unknown_code', `${origin} has both ${first.root} and ${second.root}.`, {
      remedy: 'Name the kind with --kind.',
    });
  }
  if (first !== undefined) return defaultKindOf(first.language);
  throw new PlatformError(
    'no_entry_point',
    `${origin} has none of ${LANGUAGES.flatMap(({ roots }) => roots).join(', ')} at its root.`,
    {
      remedy: 'Put the entry point at the root of the folder or archive, not in a folder inside it.',
    },
  );
}

/** The root file that a driver of this family needs; checked here so that the error comes early. */
export function checkRoot(tree: CodeTree, kind: string, origin: string): void {
  const { roots } = languageOf(kind);
  if (!roots.some((path) => tree.has(path))) {
    throw new PlatformError(
      'no_entry_point',
      `${origin} has no ${roots.join(' or ')} at its root, which ${kind} needs.`,
      {
        remedy: 'Put the entry point at the root of the folder or archive, not in a folder inside it.',
      },
    );
  }
}

/** File name that a source without one gets: what the interpreter shows in its traces. */
export function defaultFilename(kind: string): string {
  return languageOf(kind).sourceName;
}
