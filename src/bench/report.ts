import Table from 'cli-table3';
import { STARTS_FROM } from '../contract/action.ts';
import { machineLine } from './machine.ts';
import type { BenchReport } from './run.ts';
import type { StartResult } from './start.ts';
import type { Summary } from './statistics.ts';
import { CLIENTS } from './throughput.ts';

/** The report as tables for a terminal. */
export function formatReport(report: BenchReport): string {
  const { machine, skipped } = report;
  return [
    machineLine(machine),
    'Starts: median (99th percentile) in milliseconds, from the request to the answer',
    startTable(report),
    'NOP functions by what they start from, in milliseconds: to the answer, and processor time of ' +
      'each invocation',
    stateTable(report),
    `Answers per second on all cores, from ${CLIENTS} clients; of fresh contexts these are deploys ` +
      'per second',
    throughputTable(report),
    'A node that starts again from its snapshot store, in milliseconds',
    restartTable(report),
    'CPU-bound code: 1.00 is the speed of an ordinary process',
    cpuTable(report),
    'Memory of an idle unikernel context in KiB',
    idleTable(report),
    'All memory that the host has in use, for each of many idle contexts of one function, in KiB',
    hostTable(report),
    ...skipped.map((line) => `Skipped ${line}`),
  ].join('\n');
}

function startTable(report: BenchReport): string {
  const table = new Table({
    head: [
      'kind',
      'function',
      'anticipation',
      'cold',
      'warm',
      'hot',
      'plain process',
      'plain / warm',
      'snapshot KiB',
    ],
    style: { head: [], border: [] },
  });
  for (const start of report.starts) {
    const plain = plainOf(report, start);
    table.push([
      start.kind,
      start.name,
      start.anticipate ? 'yes' : 'no',
      cell(start.cold),
      cell(start.warm),
      cell(start.hot),
      plain === undefined ? '' : cell(plain),
      plain === undefined ? '' : `${(plain.median / start.warm.median).toFixed(0)} times`,
      kibibytes(start.snapshotBytes),
    ]);
  }
  return table.toString();
}

function stateTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', 'state', 'answer', 'at once', 'reset before it', 'processor time'],
    style: { head: [], border: [] },
  });
  for (const { kind, state, start, next, reset, cpuMs } of report.states) {
    const before = reset === undefined ? '' : cell(reset);
    table.push([kind, state, cell(start), cell(next), before, cpuMs.toFixed(2)]);
  }
  return table.toString();
}

function plainOf(report: BenchReport, start: StartResult): Summary | undefined {
  return report.plain.find(({ kind, name }) => kind === start.kind && name === start.name)?.plain;
}

function throughputTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', ...STARTS_FROM],
    style: { head: [], border: [] },
  });
  for (const { kind, perSecond } of report.throughput) {
    table.push([kind, ...STARTS_FROM.map((state) => perSecond[state].toFixed(0))]);
  }
  return table.toString();
}

function restartTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', 'functions', 'start to first answer', 'first answer of each', 'slowest', 'from the store'],
    style: { head: [], border: [] },
  });
  for (const { kind, functions, readyMs, first, warm } of report.restarts) {
    table.push([kind, functions, readyMs.toFixed(0), cell(first), first.max.toFixed(2), warm]);
  }
  return table.toString();
}

function cpuTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', 'task', 'context ms', 'process ms', 'speed'],
    style: { head: [], border: [] },
  });
  for (const { kind, task, ucMs, nativeMs, speed } of report.cpu) {
    table.push([kind, task, ucMs.toFixed(1), nativeMs.toFixed(1), speed.toFixed(2)]);
  }
  return table.toString();
}

function idleTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', 'private', 'page tables', 'shared', 'demoted', 'back after ms', 'answer after ms'],
    style: { head: [], border: [] },
  });
  for (const { kind, live, demoted, promotion, promotedStart } of report.idle) {
    const cells = [live.privateBytes, live.pageTableBytes, live.sharedBytes, demoted.privateBytes];
    table.push([kind, ...cells.map(kibibytes), cell(promotion), cell(promotedStart)]);
  }
  return table.toString();
}

function hostTable(report: BenchReport): string {
  const table = new Table({
    head: ['kind', 'contexts', 'with processes', 'settled', 'demoted then', 'answered at once'],
    style: { head: [], border: [] },
  });
  for (const { kind, host } of report.idle) {
    const cells = [host.liveBytes, host.settledBytes].map(kibibytes);
    table.push([kind, host.idleUcs, ...cells, host.demotedUcs, host.answered]);
  }
  return table.toString();
}

function cell({ median, p99 }: Summary): string {
  return `${median.toFixed(2)} (${p99.toFixed(2)})`;
}

function kibibytes(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}
