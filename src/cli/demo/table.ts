import Table from 'cli-table3';
import type { Activation } from '../../contract/activation.ts';
import type { DemoRow } from './measure.ts';

/** Cold, warm and hot start of each example in milliseconds, beside a plain process. */
export function demoTable(rows: readonly DemoRow[]): string {
  const table = new Table({
    head: ['function', 'kind', 'cold ms', 'warm ms', 'hot ms', 'plain process ms', 'plain / warm'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { example, starts, plainMs, error } of rows) {
    if (starts === undefined || plainMs === undefined) {
      table.push([example.name, example.kind, { colSpan: 5, content: error ?? 'failed' }]);
      continue;
    }
    const ratio = plainMs / starts.warm.timings.totalMs;
    table.push([
      example.name,
      example.kind,
      cell(starts.cold, 'cold'),
      cell(starts.warm, 'warm'),
      cell(starts.hot, 'hot'),
      plainMs.toFixed(0),
      `${ratio.toFixed(0)} times`,
    ]);
  }
  return table.toString();
}

/** A start that took another path than it was meant to says so. */
function cell({ path, timings }: Activation, meant: string): string {
  const time = timings.totalMs.toFixed(2);
  return path === meant ? time : `${time} (${path})`;
}
