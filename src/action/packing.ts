import { isUtf8 } from 'node:buffer';
import { PlatformError } from '../contract/errors.ts';
import { resolveKind } from '../runtime/kinds.ts';
import { CodeStore } from './code-store.ts';
import { cutCode } from './cut-code.ts';
import { LONG_CODE_BYTES } from './long-code.ts';
import { type Packed, packExec } from './pack-code.ts';

/** Jobs of the packing thread. */
export type PackingRequest = (DocumentRequest | CodeRequest) & {
  /** Folder of the code images. */
  readonly codeDir: string;
  /** Where the image is written before it has its name: whoever ends the job early removes it. */
  readonly temporary: string;
  /** Of the action, for messages. */
  readonly name: string;
};

/** A whole document as it came, in pieces. */
interface DocumentRequest {
  readonly type: 'document';
  readonly pieces: readonly Uint8Array[];
}

/** Code alone. */
interface CodeRequest {
  readonly type: 'code';
  /** A resolved kind. */
  readonly kind: string;
  /** Text, or its JSON literal. */
  readonly code: string | Uint8Array;
  readonly binary: boolean | undefined;
}

export interface PackingResult {
  /** Of a document: its JSON text, with `""` for the code. */
  readonly rest: string;
  /** Its code: text, or the JSON literal of a long one. Undefined if it has none. */
  readonly code: string | Uint8Array | undefined;
  /** Undefined if the document does not say enough; whoever reads the rest finds out what is missing. */
  readonly packed: Packed | undefined;
}

export async function pack(request: PackingRequest): Promise<PackingResult> {
  if (request.type === 'document') return await packDocument(request);
  const { kind, code, binary, name } = request;
  const text = typeof code === 'string' ? code : parseLiteral(Buffer.from(code), name);
  return {
    rest: '',
    code: undefined,
    packed: await packExec({ code: text, binary }, kind, name, storeOf(request)),
  };
}

async function packDocument(request: PackingRequest & DocumentRequest): Promise<PackingResult> {
  const { rest, literal } = cutCode(Buffer.concat(request.pieces));
  if (literal === undefined) return { rest, code: undefined, packed: undefined };
  const text = parseLiteral(literal, request.name);
  const exec = execOf(rest);
  const packed =
    exec === undefined
      ? undefined
      : await packExec(
          { code: text, binary: exec.binary },
          resolveKind(exec.kind).name,
          request.name,
          storeOf(request),
        );
  return { rest, code: literal.length > LONG_CODE_BYTES ? ownLiteral(literal, text) : text, packed };
}

function storeOf({ codeDir, temporary }: PackingRequest): CodeStore {
  return new CodeStore(codeDir, { temporary });
}

/** In a buffer of its own. Broken UTF-8 has become replacement characters, and is to be told so. */
function ownLiteral(literal: Buffer, text: string): Uint8Array {
  const source = isUtf8(literal) ? literal : Buffer.from(JSON.stringify(text));
  const own = Buffer.allocUnsafeSlow(source.length);
  source.copy(own);
  return own;
}

function parseLiteral(literal: Buffer, name: string): string {
  try {
    return JSON.parse(literal.toString('utf8')) as string;
  } catch (cause) {
    throw new PlatformError('bad_document', `The code of ${name} is no JSON text.`, { cause });
  }
}

/** What packing needs of the rest, if it is there in the right form. */
function execOf(rest: string): { kind: string; binary: boolean | undefined } | undefined {
  let document: unknown;
  try {
    document = JSON.parse(rest);
  } catch {
    return undefined;
  }
  const { exec } = (document ?? {}) as { exec?: { kind?: unknown; binary?: unknown } };
  if (typeof exec?.kind !== 'string') return undefined;
  return { kind: exec.kind, binary: typeof exec.binary === 'boolean' ? exec.binary : undefined };
}
