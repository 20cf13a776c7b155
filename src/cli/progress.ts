import type { ActivationTimings, StartPath } from '../contract/activation.ts';

/** Sentences about long work, on stderr so that stdout stays the result's. */
export function progress(message: string): void {
  console.error(process.stderr.isTTY ? `\x1b[2m${message}\x1b[0m` : message);
}

/** What the user should know, though the command goes on. */
export function warn(message: string): void {
  console.error(`seuss: warning: ${message}`);
}

const PARTS = [
  ['wait', 'waitMs'],
  ['deploy', 'deployMs'],
  ['init', 'initMs'],
  ['capture', 'captureMs'],
  ['run', 'runMs'],
  ['reset before', 'resetMs'],
] as const;

/** `cold 3.21 ms (wait 0.05, deploy 0.62, init 1.20, run 0.31)` */
export function timingLine(path: StartPath, timings: ActivationTimings): string {
  const parts = PARTS.flatMap(([name, key]) => {
    const value = timings[key];
    return value === undefined ? [] : [`${name} ${value.toFixed(2)}`];
  });
  return `${path} ${timings.totalMs.toFixed(2)} ms (${parts.join(', ')})`;
}
