import { FileIndex } from '../image/file-index.ts';
import { imagePaths, type Snapshot, snapshotInfo } from '../snapshot/snapshot.ts';
import { describeCode, type MappedImage, pathIn } from '../symbols/code-address.ts';
import { PLAN_ANONYMOUS, UC_IMAGE_MAX } from '../tender/abi.ts';
import type { SnapshotMap } from '../tender/messages.ts';
import type { Tender } from '../tender/tender.ts';
import { ACTION_DIR } from './code-image.ts';
import type { SnapshotDetails, SnapshotDiff, SnapshotMapping } from './types.ts';

const ACCESS_BITS = ['r', 'w', 'x'];

/** What a snapshot is made of, by the kernel's account and with names. */
export async function inspectSnapshot(
  tender: Tender,
  snapshot: Snapshot,
  stored: boolean,
): Promise<SnapshotDetails> {
  const [inspected, maps] = await Promise.all([
    tender.inspect(snapshot.number),
    tender.maps(snapshot.number),
  ]);
  const { ownBytes, ownPages, sharedPages, form, layers, clockMonotonicNs, rip, guestRip } = inspected;
  const images = mappedImages(snapshot);
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
    programCounter: await describeCode(rip, maps, images),
    guestCounter: guestRip === undefined ? null : await describeCode(guestRip, maps, images),
    memoryMap: maps.map((map) => mapping(map, images, inspected.ownSource)),
  };
}

export async function diffSnapshots(tender: Tender, a: Snapshot, b: Snapshot): Promise<SnapshotDiff> {
  const runs = await tender.diff(a.number, b.number);
  const pages = { onlyA: 0, onlyB: 0, bytes: 0, access: 0 };
  let words = 0;
  for (const run of runs) {
    pages[run.kind] += run.bytes / 4096;
    words += run.words;
  }
  return { a: a.id, b: b.id, pages, words, runs };
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

/** An image that is gone from the disk has no names, that is all. */
function mappedImages(snapshot: Snapshot): MappedImage[] {
  const images: MappedImage[] = [];
  for (const [window, path] of imagePaths(snapshot).entries()) {
    try {
      images[window] = { path, mountPoint: window === 0 ? '/' : ACTION_DIR, files: FileIndex.read(path) };
    } catch {
      // The snapshot holds the image itself; only its name is lost.
    }
  }
  return images;
}

function mapping(
  { start, bytes, offset, source, prot }: SnapshotMap,
  images: readonly MappedImage[],
  ownSource: number | undefined,
): SnapshotMapping {
  const access = ACCESS_BITS.map((letter, bit) => ((prot & (1 << bit)) === 0 ? '-' : letter)).join('');
  const at = { start, bytes, access };
  if (source === PLAN_ANONYMOUS) {
    return { ...at, source: 'anonymous', offset: 0 };
  }
  if (source >= UC_IMAGE_MAX) {
    return { ...at, source: source === ownSource ? 'own' : `layer ${source - UC_IMAGE_MAX}`, offset };
  }
  const image = images[source];
  const file = image?.files.at(offset);
  return image === undefined || file === undefined
    ? { ...at, source: `image ${source}`, offset }
    : { ...at, source: pathIn(image, file.path), offset: offset - file.offset };
}
