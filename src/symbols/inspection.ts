import { closeSync, openSync } from 'node:fs';
import { libosPath } from '../contract/paths.ts';
import type { CodeAddress, SnapshotDiffRun, SnapshotMapping } from '../contract/snapshot.ts';
import { FileIndex } from '../image/file-index.ts';
import { PLAN_ANONYMOUS, UC_IMAGE_MAX } from '../tender/abi.gen.ts';
import { decodeDiff, decodeMaps, type SnapshotMap } from '../tender/replies.ts';
import { describeCode, type MappedImage, pathIn } from './code-address.ts';

/** Mappings and differences that are told: of more, the first. */
export const ROWS_MAX = 4096;

export interface MapsRequest {
  readonly type: 'maps';
  /** As the tender sent them. */
  readonly payload: Uint8Array;
  /** Images of the context, by the numbers of their windows. */
  readonly images: readonly { readonly path: string; readonly mountPoint: string }[];
  readonly ownSource: number | undefined;
  readonly rip: number;
  readonly guestRip: number | undefined;
}

export interface MapsDescribed {
  readonly programCounter: CodeAddress;
  readonly guestCounter: CodeAddress | null;
  readonly memoryMap: SnapshotMapping[];
}

export interface DiffRequest {
  readonly type: 'diff';
  readonly payload: Uint8Array;
}

export interface DiffDescribed {
  readonly pages: Record<SnapshotDiffRun['kind'], number>;
  readonly words: number;
  readonly runs: SnapshotDiffRun[];
  readonly truncated: boolean;
}

const ACCESS_BITS = ['r', 'w', 'x'];
const PAGE_BYTES = 4096;

/** What is mapped where, and what the code at two addresses is called. It reads files, and takes its time. */
export function describeMaps({ payload, images, ownSource, rip, guestRip }: MapsRequest): MapsDescribed {
  const maps = decodeMaps(Buffer.from(payload.buffer));
  const libos = openSync(libosPath, 'r');
  const mapped = images.map(openImage);
  try {
    const context = { maps, images: mapped, libos };
    return {
      programCounter: describeCode(rip, context),
      guestCounter: guestRip === undefined ? null : describeCode(guestRip, context),
      memoryMap: maps.slice(0, ROWS_MAX).map((map) => mapping(map, mapped, ownSource)),
    };
  } finally {
    closeSync(libos);
    for (const image of mapped) if (image !== undefined) closeSync(image.fd);
  }
}

export function describeDiff({ payload }: DiffRequest): DiffDescribed {
  const runs = decodeDiff(Buffer.from(payload.buffer));
  const pages = { onlyA: 0, onlyB: 0, bytes: 0, access: 0 };
  let words = 0;
  for (const run of runs) {
    pages[run.kind] += run.bytes / PAGE_BYTES;
    words += run.words;
  }
  return { pages, words, runs: runs.slice(0, ROWS_MAX), truncated: runs.length > ROWS_MAX };
}

/** An image that is gone from the disk has no names, that is all: the snapshot holds the image itself. */
function openImage({ path, mountPoint }: MapsRequest['images'][number]): MappedImage | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      return { fd, mountPoint, files: FileIndex.read(fd) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } catch {
    return undefined;
  }
}

function mapping(
  { start, bytes, offset, source, prot }: SnapshotMap,
  images: readonly (MappedImage | undefined)[],
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
