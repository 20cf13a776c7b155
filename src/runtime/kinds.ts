import { PlatformError } from '../contract/errors.ts';

/** A resolved kind: never `…:default`. */
export interface Kind {
  readonly name: string;
  readonly language: 'nodejs' | 'python';
  readonly version: string;
}

const KINDS: readonly Kind[] = [
  { name: 'nodejs:20', language: 'nodejs', version: '20' },
  { name: 'nodejs:22', language: 'nodejs', version: '22' },
  { name: 'nodejs:24', language: 'nodejs', version: '24' },
  { name: 'python:3.11', language: 'python', version: '3.11' },
];

const ALIASES: Readonly<Record<string, string>> = {
  'nodejs:default': 'nodejs:24',
  nodejs: 'nodejs:24',
  'python:default': 'python:3.11',
  'python:3': 'python:3.11',
  python: 'python:3.11',
};

/** Kind of the Node.js that the package pins, and so always has. */
export const PINNED_NODEJS = 'nodejs:24';

export function kindNames(): string[] {
  return KINDS.map((kind) => kind.name);
}

/**
 * Resolves a kind as users write it.
 * @throws PlatformError `unknown_kind`
 */
export function resolveKind(name: string): Kind {
  const resolved = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  const kind = KINDS.find((candidate) => candidate.name === resolved);
  if (kind === undefined) {
    throw new PlatformError('unknown_kind', `unknown kind ${JSON.stringify(name)}`, {
      remedy: `choose one of ${kindNames().join(', ')}, nodejs:default, python:default`,
    });
  }
  return kind;
}
