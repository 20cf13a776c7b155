import Table from 'cli-table3';
import type { DensityReport } from './density.ts';
import { machineLine } from './machine.ts';

/** The report as tables for a terminal. */
export function formatDensity(report: DensityReport): string {
  const { kind, functions, snapshots, idleUcs, demotedUcs, fillMs, sample } = report;
  const seconds = (fillMs / 1000).toFixed(1);
  const paths = Object.entries(sample.paths).map(([path, count]) => `${count} ${path}`);
  return [
    machineLine(report.machine),
    `${functions} distinct functions of ${kind}, each invoked once, in ${seconds} s: ${snapshots} ` +
      `snapshots, ${idleUcs} idle contexts, ${demotedUcs} of them without a process`,
    ...evicted(report),
    'Memory of each, in KiB',
    partsTable(report),
    `A sample of ${sample.invoked} answered (${paths.join(', ')}): median ` +
      `${sample.totalMs.median.toFixed(2)} ms, 99th percentile ${sample.totalMs.p99.toFixed(2)} ms`,
    'Beside it, in KiB',
    besideTable(report),
  ].join('\n');
}

function evicted({ functions, snapshots, idleUcs }: DensityReport): string[] {
  const lost = functions - Math.min(snapshots, idleUcs);
  return lost > 0
    ? [`${lost} of them gave way to the memory budget: the figures are for those that are left and too low`]
    : [];
}

function partsTable({ parts }: DensityReport): string {
  const table = new Table({
    head: ['snapshot', 'tenders', 'node', 'kernel and rest', 'all', 'descriptors'],
    style: { head: [], border: [] },
  });
  const bytes = [parts.snapshotBytes, parts.tenderBytes, parts.nodeBytes, parts.otherBytes, parts.totalBytes];
  table.push([...bytes.map(kibibytes), parts.descriptors.toFixed(1)]);
  return table.toString();
}

function besideTable({ parts, oneFunction, plainProcessBytes }: DensityReport): string {
  const table = new Table({
    head: ['what', 'each', 'plain process / it'],
    style: { head: [], border: [] },
  });
  const rows: [string, number][] = [
    ['function with its idle context', parts.totalBytes],
    [`idle context, ${oneFunction.idleUcs} of one function`, oneFunction.settledBytes],
    ['idle plain process', plainProcessBytes],
  ];
  for (const [what, bytes] of rows) {
    table.push([what, kibibytes(bytes), `${(plainProcessBytes / bytes).toFixed(0)} times`]);
  }
  return table.toString();
}

function kibibytes(bytes: number): string {
  return (bytes / 1024).toFixed(1);
}
