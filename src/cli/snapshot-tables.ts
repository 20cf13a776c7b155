import Table from 'cli-table3';
import type { ShownCode, ShownDetails, ShownDiff, SnapshotRow } from './snapshot-schemas.ts';

const PLAIN = { head: [], border: [] };
const PAGE_BYTES = 4096;

/** `850 ms`, `12 s`, `5 min`, `3 h`, `9 d`: rough, as people say it. */
export function age(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const units: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const [size, name] = units.find(([unit]) => ms >= unit) as [number, string];
  return `${Math.floor(ms / size)} ${name}`;
}

export function kib(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}

/** The function, and the arguments that the snapshot fixes. */
function what({ of, fixed }: SnapshotRow): string {
  return fixed === undefined ? of : `${of} ${fixed.text}`;
}

export function snapshotTable(snapshots: readonly SnapshotRow[], nowMs: number): string {
  const table = new Table({
    head: [
      'id',
      'kind',
      'parent',
      'function',
      'own KiB',
      'own pages',
      'shared pages',
      'deploys',
      'age',
      'on disk',
    ],
    colAligns: ['left', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: PLAIN,
  });
  for (const snapshot of snapshots) {
    const { id, kind, parent, ownBytes, ownPages, sharedPages, deploys, createdMs, stored } = snapshot;
    const counts = [ownPages, sharedPages, deploys].map(String);
    const rest = [age(nowMs - createdMs), stored ? 'yes' : '-'];
    table.push([id, kind, parent ?? '-', what(snapshot), kib(ownBytes), ...counts, ...rest]);
  }
  return table.toString();
}

/** Each below its parent; one whose parent is gone stands at the top. */
export function snapshotTree(snapshots: readonly SnapshotRow[], nowMs: number): string {
  const ids = new Set(snapshots.map(({ id }) => id));
  const children = Map.groupBy(snapshots, ({ parent }) =>
    parent !== null && ids.has(parent) ? parent : undefined,
  );
  const lines: string[] = [];
  const draw = (at: string | undefined, indent: string): void => {
    const below = children.get(at) ?? [];
    for (const [index, snapshot] of below.entries()) {
      const last = index === below.length - 1;
      const [branch, rest] = at === undefined ? ['', ''] : last ? ['└─ ', '   '] : ['├─ ', '│  '];
      lines.push(`${indent}${branch}${describe(snapshot, nowMs)}`);
      draw(snapshot.id, indent + rest);
    }
  };
  draw(undefined, '');
  return lines.join('\n');
}

function describe(snapshot: SnapshotRow, nowMs: number): string {
  const { id, kind, ownBytes, deploys, createdMs } = snapshot;
  const times = deploys === 1 ? '1 deploy' : `${deploys} deploys`;
  return `${id}  ${kind} ${what(snapshot)}  ${kib(ownBytes)} KiB, ${times}, ${age(nowMs - createdMs)}`;
}

function address(value: number): string {
  return value.toString(16).padStart(10, '0');
}

function code({ address: at, symbol }: ShownCode): string {
  return `${address(at)}${symbol === null ? '' : `  ${symbol}`}`;
}

export function detailsText(details: ShownDetails, nowMs: number): string {
  const { id, kind, parent, form, ownBytes, ownPages, sharedPages, layers, images, memoryMap } = details;
  const registers = Object.entries(details.registers).map(([name, value]) => `${name.padStart(7)} ${value}`);
  const rows: [string, string][] = [
    ['snapshot', `${id}  ${kind} ${what(details)}`],
    ['parent', parent ?? '-'],
    ['age', `${age(nowMs - details.createdMs)}, ${details.deploys} deploys`],
    ['own', `${kib(ownBytes)} KiB, ${ownPages} pages, kept as ${form}`],
    ['shared', `${sharedPages} pages of ${layers} layers and ${images} images`],
    ['at', code(details.programCounter)],
    ...(details.guestCounter === null ? [] : [['for', code(details.guestCounter)] as [string, string]]),
  ];
  return [
    ...rows.map(([name, text]) => `${name.padEnd(9)} ${text}`),
    '',
    'registers',
    ...columns(registers, 3),
    '',
    `memory map, ${details.maps} mappings${details.truncated ? `, the first ${memoryMap.length}` : ''}`,
    ...memoryMap.map(
      ({ start, bytes, access, source, offset }) =>
        `  ${address(start)}-${address(start + bytes)} ${access} ${kib(bytes).padStart(8)} KiB  ${source}${
          source === 'anonymous' ? '' : `+0x${offset.toString(16)}`
        }`,
    ),
  ].join('\n');
}

function columns(items: readonly string[], count: number): string[] {
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += count) lines.push(`  ${items.slice(i, i + count).join('  ')}`);
  return lines;
}

const DIFF_WORDS: Readonly<Record<string, string>> = {
  onlyA: 'mapped in the first alone',
  onlyB: 'mapped in the second alone',
  bytes: 'other bytes',
  access: 'other protection',
};

export function diffText({ a, b, pages, words, runs, truncated }: ShownDiff): string {
  const totals = Object.entries(pages).map(
    ([kind, count]) => `${String(count).padStart(8)} pages  ${DIFF_WORDS[kind] ?? kind}`,
  );
  return [
    `${a} and ${b} differ in`,
    ...totals,
    `${String(words).padStart(8)} words of 8 bytes in all`,
    truncated ? `the first ${runs.length} runs of pages:` : '',
    ...runs.map(
      ({ start, bytes, kind, words: differ }) =>
        `  ${address(start)}-${address(start + bytes)} ${String(bytes / PAGE_BYTES).padStart(6)} pages  ${
          DIFF_WORDS[kind] ?? kind
        }${differ === 0 ? '' : `, ${differ} words`}`,
    ),
  ].join('\n');
}
