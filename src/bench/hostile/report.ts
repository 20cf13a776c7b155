import Table from 'cli-table3';
import { machineLine } from '../machine.ts';
import type { HostileReport, HostileResult } from './hostile.ts';

/** The report as tables for a terminal. */
export function formatHostile({ machine, rounds, seconds, results }: HostileReport): string {
  const withstood = results.filter(({ faults }) => faults.length === 0).length;
  return [
    machineLine(machine),
    `Four clients of honest functions, alone and beside each attack: ${rounds} times ${seconds} s of ` +
      'each in turn. Milliseconds; memory in MiB',
    resultTable(results),
    ...results.flatMap(({ attack, faults }) => faults.map((fault) => `${attack}: ${fault}`)),
    `${withstood} of ${results.length} attacks withstood`,
  ].join('\n');
}

function resultTable(results: readonly HostileResult[]): string {
  const table = new Table({
    head: ['attack', 'alone p99', 'beside p99', 'bar', 'longest', 'lost', 'goes', 'peak', 'left', 'verdict'],
    style: { head: [], border: [] },
  });
  for (const { attack, alone, beside, barMs, lost, goes, peakBytes, leftBytes, faults } of results) {
    table.push([
      attack,
      alone.p99.toFixed(1),
      beside.p99.toFixed(1),
      barMs,
      beside.max.toFixed(0),
      lost,
      goes,
      mebibytes(peakBytes),
      mebibytes(leftBytes),
      faults.length === 0 ? 'withstood' : 'FAILED',
    ]);
  }
  return table.toString();
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
