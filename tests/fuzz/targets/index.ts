import type { Target } from '../target.ts';

/** Those in TypeScript, each loaded when it is wanted: some listen, or make folders. */
export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  frames: async () => (await import('./frames.ts')).frames,
  answers: async () => (await import('./answers.ts')).answers,
  manifests: async () => (await import('./manifests.ts')).manifests,
  zips: async () => (await import('./archives.ts')).zips,
  tarballs: async () => (await import('./archives.ts')).tarballs,
  elves: async () => (await import('./elf.ts')).elves,
  texts: async () => (await import('./texts.ts')).texts,
  requests: async () => (await import('./requests.ts')).requests,
};
