import Table from 'cli-table3';
import type { AblationReport, AblationSide } from './ablation.ts';

/** The report as tables for a terminal. */
export function formatAblation({ machine, rows, recapture }: AblationReport): string {
  const table = new Table({
    head: ['kind', 'without', 'cold ms', 'warm ms', 'runtime MiB', 'function KiB', 'idle KiB'],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    const pair = (figure: (side: AblationSide) => number, digits: number) =>
      `${figure(row.without).toFixed(digits)} (${figure(row.with).toFixed(digits)})`;
    table.push([
      row.kind,
      row.item,
      pair(({ coldMs }) => coldMs, 2),
      pair(({ warmMs }) => warmMs, 2),
      pair(({ runtimeBytes }) => runtimeBytes / 2 ** 20, 1),
      pair(({ functionBytes }) => functionBytes / 2 ** 10, 0),
      pair(({ idleBytes }) => idleBytes / 2 ** 10, 0),
    ]);
  }
  const again = new Table({
    head: ['kind', 'steady ms', 'first run ms', 'recaptured', 'speed', 'recaptured', 'KiB', 'recaptured'],
    style: { head: [], border: [] },
  });
  for (const { kind, steadyMs, beforeMs, afterMs, beforeBytes, afterBytes } of recapture) {
    const times = [steadyMs, beforeMs, afterMs, steadyMs / beforeMs, steadyMs / afterMs];
    const bytes = [beforeBytes, afterBytes].map((value) => (value / 1024).toFixed(0));
    again.push([kind, ...times.map((value) => value.toFixed(2)), ...bytes]);
  }
  return [
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, load ${machine.load.toFixed(2)}`,
    'Each item left out, and in brackets nothing left out: the quickest start, of a function that ' +
      'uses the item',
    table.toString(),
    'A CPU-bound function from its first snapshot and from one of its compiled code: its quickest ' +
      'runs; speed 1.00 is the steady one',
    again.toString(),
  ].join('\n');
}
