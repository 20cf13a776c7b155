import { fstatSync } from 'node:fs';
import type { CodeAddress } from '../contract/snapshot.ts';
import { type SymbolMatch, symbolAt } from '../elf/symbols.ts';
import type { FileIndex } from '../image/file-index.ts';
import { lastAtOrBelow } from '../image/halving.ts';
import { UC_IMAGE_MAX, UcLayout } from '../tender/abi.gen.ts';
import type { SnapshotMap } from '../tender/replies.ts';

/** An image that a context has mapped, by the number of its window. */
export interface MappedImage {
  /** Descriptor of the image. */
  readonly fd: number;
  /** Where its root is in the context: `/`, `/action`. */
  readonly mountPoint: string;
  readonly files: FileIndex;
}

const PROT_EXEC = 4;

/** Whose memory an address is of. */
interface CodeContext {
  /** By address. */
  readonly maps: readonly SnapshotMap[];
  readonly images: readonly (MappedImage | undefined)[];
  /** Descriptor of the library OS. */
  readonly libos: number;
}

/** Finds out what is at an address of a context. */
export function describeCode(address: number, context: CodeContext): CodeAddress {
  return { address, symbol: symbolOf(address, context) };
}

function symbolOf(address: number, { maps, images, libos }: CodeContext): string | null {
  if (address >= UcLayout.libosBase && address < UcLayout.libosEnd) {
    const place = { fd: libos, base: 0, bytes: fstatSync(libos).size };
    return format(symbolAt(place, address, true), 'library OS');
  }
  if (address >= UcLayout.vdsoBase && address < UcLayout.vdsoEnd) {
    return '[host vDSO]';
  }
  if (address >= UcLayout.patchBase && address < UcLayout.patchEnd) {
    return '[patched system call]';
  }
  const at = lastAtOrBelow(maps, ({ start }) => start, address);
  const map = maps[at];
  if (map === undefined || address >= map.start + map.bytes) {
    return null;
  }
  const place = imageOffset(address, maps, at);
  const image = place === undefined ? undefined : images[place.window];
  const file = place === undefined ? undefined : image?.files.at(place.offset);
  if (place === undefined || image === undefined || file === undefined) {
    return (map.prot & PROT_EXEC) === 0 ? null : '[jit]';
  }
  const offset = place.offset - file.offset;
  const symbol = symbolAt({ fd: image.fd, base: file.offset, bytes: file.bytes }, offset);
  // Of a program without symbols the offset is still of use.
  return format(symbol ?? { name: '', offset }, pathIn(image, file.path));
}

/** A file's path as the context sees it. */
export function pathIn({ mountPoint }: MappedImage, path: string): string {
  return printable(mountPoint === '/' ? path : `${mountPoint}${path}`);
}

/** Names come from the guest's own files: none of them is to steer a terminal. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '\ufffd');
}

function format(symbol: SymbolMatch | undefined, where: string): string {
  return symbol === undefined
    ? where
    : `${printable(symbol.name)}+0x${symbol.offset.toString(16)} (${where})`.replace(/^\+/, '');
}

/**
 * Where the code came from. A page of a program that was written to (its system calls are patched)
 * is in a layer: what is mapped on either side without a gap tells.
 */
function imageOffset(
  address: number,
  maps: readonly SnapshotMap[],
  at: number,
): { window: number; offset: number } | undefined {
  for (const step of [-1, 1]) {
    for (let i = at; ; i += step) {
      const map = maps[i];
      const before = maps[i - step];
      if (map === undefined || (map.prot & PROT_EXEC) === 0 || (i !== at && !adjoin(map, before))) {
        break;
      }
      if (map.source < UC_IMAGE_MAX) {
        return { window: map.source, offset: map.offset + address - map.start };
      }
    }
  }
  return undefined;
}

function adjoin(a: SnapshotMap, b: SnapshotMap | undefined): boolean {
  return b !== undefined && (a.start + a.bytes === b.start || b.start + b.bytes === a.start);
}
