/** The documents as text: lines, and what in them is code. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from '../../src/contract/paths.ts';
import { read } from './tree.ts';

/** Folders with Markdown of others, or none. */
const SKIPPED = new Set(['node_modules', 'build', 'dist', 'examples', '.git']);
const FENCE = /^\s*```/;
const SPAN = /`([^`]+)`/g;

export interface Line {
  readonly text: string;
  readonly number: number;
  readonly isCode: boolean;
}

export function markdownBelow(folder: string): string[] {
  return readdirSync(join(packageDir, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Fences are code, too; so are lines that are indented after an empty one. */
export function linesOf(path: string): Line[] {
  let isFenced = false;
  return read(path)
    .split('\n')
    .map((text, index) => {
      const isFence = FENCE.test(text);
      if (isFence) isFenced = !isFenced;
      return { text, number: index + 1, isCode: isFence || isFenced || text.startsWith('    ') };
    });
}

/** What stands between backticks, which may be on two lines, and the lines that are code. */
export function codeOf(path: string): string[] {
  const lines = linesOf(path);
  const prose = lines.map(({ text, isCode }) => (isCode ? '' : text)).join('\n');
  const spans = Array.from(prose.matchAll(SPAN), ([, span]) => (span as string).replaceAll(/\s+/g, ' '));
  return [...spans, ...lines.filter(({ isCode }) => isCode).map(({ text }) => text.trim())];
}
