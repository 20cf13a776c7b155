import type { SnapshotDetails, SnapshotDiff } from '../../contract/snapshot.ts';
import { imagePaths, type Snapshot, snapshotInfo } from '../../snapshot/snapshot.ts';
import type { Inspector } from '../../symbols/inspector.ts';
import type { Tender } from '../../tender/tender.ts';
import { ACTION_DIR } from '../function/code-image.ts';

/** What a snapshot is made of, by the kernel's account and with names. */
export async function inspectSnapshot(
  tender: Tender,
  inspector: Inspector,
  snapshot: Snapshot,
  stored: boolean,
): Promise<SnapshotDetails> {
  const [inspected, maps] = await Promise.all([
    tender.inspect(snapshot.number),
    tender.maps(snapshot.number),
  ]);
  const { ownBytes, ownPages, sharedPages, form, layers, clockMonotonicNs, rip, guestRip } = inspected;
  const { memoryMap, programCounter, guestCounter } = await inspector.maps({
    payload: new Uint8Array(maps),
    images: imagePaths(snapshot).map((path, window) => ({
      path,
      mountPoint: window === 0 ? '/' : ACTION_DIR,
    })),
    ownSource: inspected.ownSource,
    rip,
    guestRip,
  });
  const registers = Object.entries({ rip: BigInt(rip), ...inspected.registers });
  return {
    ...snapshotInfo(snapshot, stored),
    ownBytes,
    ownPages,
    sharedPages,
    maps: inspected.maps,
    form,
    layers,
    images: inspected.images,
    clockMonotonicNs,
    registers: Object.fromEntries(registers.map(([name, value]) => [name, hex(value)])),
    programCounter,
    guestCounter,
    memoryMap,
    truncated: memoryMap.length < inspected.maps,
  };
}

export async function diffSnapshots(
  tender: Tender,
  inspector: Inspector,
  a: Snapshot,
  b: Snapshot,
): Promise<SnapshotDiff> {
  const payload = new Uint8Array(await tender.diff(a.number, b.number));
  return { a: a.id, b: b.id, ...(await inspector.diff(payload)) };
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
