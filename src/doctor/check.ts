/** One thing that Seuss needs of the host. */
export interface Check {
  readonly title: string;
  /** `missing` keeps Seuss from working; `warning` limits it. */
  readonly status: 'ok' | 'warning' | 'missing';
  /** What was found. */
  readonly found: string;
  /** What it is needed for. */
  readonly means: string;
  /** Command or change that mends it; absent when all is well. */
  readonly remedy?: string;
}

/** A check from a condition. */
export function check(
  title: string,
  passed: boolean,
  details: { found: string; means: string; remedy: string; otherwise?: 'warning' | 'missing' },
): Check {
  const { found, means, remedy, otherwise = 'missing' } = details;
  return passed ? { title, status: 'ok', found, means } : { title, status: otherwise, found, means, remedy };
}
