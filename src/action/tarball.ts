import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { PlatformError } from '../contract/errors.ts';
import { CodeTree } from './code-tree.ts';
import { CODE_LIMITS } from './limits.ts';
import { unpackBudget, zipBomb } from './zip.ts';

const unpack = promisify(gunzip);

export function isGzip(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
}

/** The files of a .tar.gz archive. */
export async function readTarball(bytes: Buffer, origin: string): Promise<CodeTree> {
  const tar = await gunzipWithin(bytes, origin);
  if (isGzip(tar)) throw badTarball(origin, 'it is compressed twice');
  const tree = new CodeTree(origin);
  try {
    for (const [entry, content] of await listEntries(tar)) addEntry(tree, entry, content, origin);
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw badTarball(origin, error instanceof Error ? error.message : String(error), error);
  }
  return tree;
}

function badTarball(origin: string, why: string, cause?: unknown): PlatformError {
  return new PlatformError('bad_archive', `${origin} is not a usable .tar.gz archive: ${why}.`, { cause });
}

async function gunzipWithin(bytes: Buffer, origin: string): Promise<Buffer> {
  const budget = unpackBudget(bytes.length);
  try {
    return await unpack(bytes, { maxOutputLength: budget });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw zipBomb(origin, bytes.length, budget);
    throw badTarball(origin, message, error);
  }
}

function listEntries(tar: Buffer): Promise<[ReadEntry, Buffer][]> {
  return new Promise((resolve, reject) => {
    const found: [ReadEntry, Buffer[]][] = [];
    const parser = new Parser({
      strict: true,
      zstd: false,
      brotli: false,
      onReadEntry: (entry) => {
        const chunks: Buffer[] = [];
        found.push([entry, chunks]);
        if (found.length > CODE_LIMITS.entries) {
          parser.abort(new Error(`it has more than ${CODE_LIMITS.entries} entries`));
        }
        entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      },
    });
    parser.on('error', reject);
    parser.on('end', () => resolve(found.map(([entry, chunks]) => [entry, Buffer.concat(chunks)])));
    parser.end(tar);
  });
}

function addEntry(tree: CodeTree, entry: ReadEntry, content: Buffer, origin: string): void {
  switch (entry.type) {
    case 'Directory':
      if (!/^[./]*$/.test(entry.path)) tree.addDirectory(entry.path);
      return;
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      tree.addFile(entry.path, content, ((entry.mode ?? 0) & 0o111) !== 0);
      return;
    case 'SymbolicLink':
      tree.addSymlink(entry.path, entry.linkpath ?? '');
      return;
    case 'Link': {
      const original = tree.get((entry.linkpath ?? '').replace(/^\.\//, ''));
      if (original?.type !== 'file')
        throw badTarball(origin, `"${entry.path}" is a hard link to an unknown file`);
      tree.addFile(entry.path, original.content, original.executable);
      return;
    }
    default:
      throw new PlatformError('unsafe_path', `${origin} has "${entry.path}" of type ${entry.type}.`, {
        remedy: 'Only files, folders and links can be part of an action.',
      });
  }
}
