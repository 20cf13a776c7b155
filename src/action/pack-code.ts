import { createHash } from 'node:crypto';
import type { Action, ActionCode } from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import { type CodeStore, imageDigest } from './code-store.ts';
import type { CodeTree } from './code-tree.ts';
import { checkRoot, defaultFilename } from './kind.ts';
import { CODE_LIMITS, megabytes } from './limits.ts';
import { type CodeText, LongSource } from './long-code.ts';
import { isGzip, readTarball } from './tarball.ts';
import { isZip, readZip } from './zip.ts';

/** What code turned out to be, before it becomes part of an action. */
export interface Packed {
  /** Resolved. */
  readonly kind: string;
  /** Of its content. */
  readonly digest: string;
  readonly form:
    | { readonly type: 'image'; readonly imagePath: string }
    /** The text itself is in whose hands it was. */
    | { readonly type: 'source'; readonly filename: string };
}

/** Code as OpenWhisk's API carries it. */
interface ExecCode {
  /** Text, or a zip or .tar.gz in base64. */
  readonly code: string;
  readonly binary?: boolean | undefined;
}

export function codeOf({ form }: Packed, code: CodeText): ActionCode {
  if (form.type === 'image') return form;
  const { filename } = form;
  return typeof code === 'string'
    ? { type: 'source', source: code, filename }
    : new LongSource(code, filename);
}

/** How the code of an action was packed. */
export function packedOf({ kind, code, name }: Action): Packed {
  if (code.type === 'source') return packSource(code.source, code.filename, kind, `The code of ${name}`);
  return { kind, digest: imageDigest(code.imagePath), form: code };
}

/** Base64 of a zip or of a gzip file, by its first letters: OpenWhisk tells archives from text like this. */
export function looksLikeArchive(code: string): boolean {
  return /^\s*(UEsDB|H4sI)/.test(code);
}

/** @param kind resolved */
export async function packExec(
  { code, binary }: ExecCode,
  kind: string,
  name: string,
  store: CodeStore,
): Promise<Packed> {
  const bytes = decodeArchive(code);
  const sizeBytes = bytes?.length ?? Buffer.byteLength(code);
  const origin = bytes === undefined ? `The code of ${name}` : `The archive of ${name}`;
  if (sizeBytes > CODE_LIMITS.packedBytes) throw tooLarge(`The code of ${name}`, sizeBytes);
  const tree = bytes === undefined ? undefined : await readArchive(bytes, origin);
  if (tree !== undefined) return await packTree(tree, kind, origin, store);
  if (binary === true) {
    throw new PlatformError(
      'bad_archive',
      `The code of ${name} is said to be binary, but is no zip or .tar.gz in base64.`,
    );
  }
  return packSource(code, defaultFilename(kind), kind, `The code of ${name}`);
}

export async function packTree(
  tree: CodeTree,
  kind: string,
  origin: string,
  store: CodeStore,
): Promise<Packed> {
  checkRoot(tree, kind, origin);
  const { imagePath, digest } = await store.put(tree.finish());
  return { kind, digest, form: { type: 'image', imagePath } };
}

export function packSource(source: string, filename: string, kind: string, origin: string): Packed {
  if (source.trim() === '') throw new PlatformError('empty_code', `${origin} is empty.`);
  const digest = createHash('sha256').update(`${filename}\0${source}`).digest('hex');
  return { kind, digest, form: { type: 'source', filename } };
}

export async function readArchive(bytes: Buffer, origin: string): Promise<CodeTree | undefined> {
  if (isZip(bytes)) return await readZip(bytes, origin);
  if (isGzip(bytes)) return await readTarball(bytes, origin);
  return undefined;
}

/** Bytes of an archive in base64; undefined for source text. */
function decodeArchive(code: string): Buffer | undefined {
  if (!looksLikeArchive(code) || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(code)) return undefined;
  return Buffer.from(code, 'base64');
}

export function tooLarge(origin: string, bytes: number): PlatformError {
  return new PlatformError(
    'code_too_large',
    `${origin} is ${megabytes(bytes)}; ${megabytes(CODE_LIMITS.packedBytes)} are allowed.`,
    {
      remedy: 'Leave out what the function does not need at run time.',
    },
  );
}
