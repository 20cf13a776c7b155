/** How much code one action may bring. Each limit has an error that names it. */
export const CODE_LIMITS = {
  /** A source file or an archive as it is sent: OpenWhisk's limit. */
  packedBytes: 48 * 1024 * 1024,
  /** All files of an action, unpacked. */
  unpackedBytes: 256 * 1024 * 1024,
  /** Unpacked bytes for each packed one, from `ratioFromBytes` on. */
  ratio: 100,
  ratioFromBytes: 16 * 1024 * 1024,
  /** Files, directories and links. */
  entries: 100_000,
  nameBytes: 255,
  pathBytes: 1024,
  depth: 64,
} as const;

export function megabytes(bytes: number): string {
  return `${Math.round((bytes / (1024 * 1024)) * 10) / 10} MB`;
}
