import { promisify } from 'node:util';
import { constants, crc32, inflateRaw } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { PlatformError } from '../contract/errors.ts';
import { CodeTree } from './code-tree.ts';
import { CODE_LIMITS, megabytes } from './limits.ts';

const inflate = promisify(inflateRaw);

const METHOD_STORED = 0;
const METHOD_DEFLATED = 8;
/** Upper half of the external attributes when the archive was made on Unix (APPNOTE.TXT 4.4.15). */
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

export function isZip(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === 0x504b0304;
}

/** The files of a zip archive. Each file's declared size and checksum are enforced. */
export async function readZip(bytes: Buffer, origin: string): Promise<CodeTree> {
  const tree = new CodeTree(origin);
  try {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true });
    const budget = unpackBudget(bytes.length);
    let declared = 0;
    for await (const entry of zip.eachEntry()) {
      declared += entry.uncompressedSize;
      if (declared > budget) throw zipBomb(origin, bytes.length, declared);
      await addEntry(tree, zip, entry, origin);
    }
  } catch (error) {
    throw toPlatformError(error, origin);
  }
  return tree;
}

/** Unpacked bytes that an archive of this size may become. */
export function unpackBudget(packedBytes: number): number {
  return Math.min(
    CODE_LIMITS.unpackedBytes,
    Math.max(packedBytes * CODE_LIMITS.ratio, CODE_LIMITS.ratioFromBytes),
  );
}

export function zipBomb(origin: string, packedBytes: number, unpackedBytes: number): PlatformError {
  return new PlatformError(
    'archive_bomb',
    `${origin} is ${megabytes(packedBytes)} and would unpack to ${megabytes(unpackedBytes)} or more.`,
    {
      remedy:
        `An archive may unpack to ${CODE_LIMITS.ratio} times its size and ` +
        `${megabytes(CODE_LIMITS.unpackedBytes)}.`,
    },
  );
}

async function addEntry(tree: CodeTree, zip: ZipFile, entry: Entry, origin: string): Promise<void> {
  const name = entry.fileName;
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & S_IFMT;
  if (name.endsWith('/') || type === S_IFDIR) {
    if (!/^[./]*$/.test(name)) tree.addDirectory(name);
    return;
  }
  if (entry.isEncrypted()) {
    throw new PlatformError('encrypted_archive', `${origin} has the encrypted file "${name}".`, {
      remedy: 'Make the archive without a password.',
    });
  }
  const content = await unpack(zip, entry, origin);
  if (type === S_IFLNK) tree.addSymlink(name, content.toString('utf8'));
  else if (type === 0 || type === S_IFREG) tree.addFile(name, content, (mode & 0o111) !== 0);
  else
    throw new PlatformError('unsafe_path', `${origin} has "${name}", which is neither a file nor a folder.`);
}

async function unpack(zip: ZipFile, entry: Entry, origin: string): Promise<Buffer> {
  const broken = (why: string) =>
    new PlatformError('bad_archive', `${origin} has a broken file "${entry.fileName}": ${why}.`);
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry, { decodeFileData: false }))
    chunks.push(chunk);
  const packed = Buffer.concat(chunks);
  let content: Buffer;
  if (entry.compressionMethod === METHOD_STORED) content = packed;
  else if (entry.compressionMethod === METHOD_DEFLATED) {
    content = await inflate(packed, {
      maxOutputLength: Math.max(entry.uncompressedSize, 1),
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } else throw broken(`compression method ${entry.compressionMethod} is not supported, use deflate`);
  if (content.length !== entry.uncompressedSize) throw broken('its size is not the one declared');
  if (crc32(content) !== entry.crc32) throw broken('its checksum is wrong');
  return content;
}

/** yauzl throws plain errors; its checks of names come out with the same code as ours. */
function toPlatformError(error: unknown, origin: string): PlatformError {
  if (error instanceof PlatformError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const unsafe = /^(absolute path|invalid relative path|invalid characters in fileName)/.test(text);
  return new PlatformError(
    unsafe ? 'unsafe_path' : 'bad_archive',
    `${origin} is not a usable zip archive: ${text}.`,
    {
      cause: error,
    },
  );
}
