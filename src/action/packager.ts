import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import {
  type Action,
  type ActionLimits,
  type ActionPolicy,
  DEFAULT_LIMITS,
  DEFAULT_POLICY,
  type StartsFrom,
} from '../contract/action.ts';
import { PlatformError } from '../contract/errors.ts';
import { CodeImages } from './code-images.ts';
import { CodeStore } from './code-store.ts';
import { readFolder } from './folder.ts';
import { kindOfFile, kindOfTree } from './kind.ts';
import { CODE_LIMITS } from './limits.ts';
import type { CodeText } from './long-code.ts';
import {
  codeOf,
  looksLikeArchive,
  type Packed,
  packExec,
  packSource,
  packTree,
  readArchive,
  tooLarge,
} from './pack-code.ts';
import { type PackedDocument, PackingThread } from './packing-thread.ts';

interface PackagerOptions {
  /** Folder of the code images, which is this packager's alone. */
  readonly codeDir: string;
  /** False if that folder goes with the process (default: true). */
  readonly durable?: boolean;
  /** `nodejs:default` → `nodejs:24`; throws a PlatformError `unknown_kind`. */
  readonly resolveKind: (kind: string) => string;
  /** What actions that say nothing about it start from (default: `reuse`). */
  readonly startsFrom?: StartsFrom;
}

interface PackageOptions {
  /** `namespace/name`; by default made from the path. */
  readonly name?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ActionLimits>;
  readonly policy?: Partial<ActionPolicy>;
}

type NamedOptions = PackageOptions & { readonly name: string };

/** An action's code as OpenWhisk's API carries it. */
export interface ActionExec {
  readonly kind: string;
  /** Text, or a zip or .tar.gz in base64. */
  readonly code: CodeText;
  readonly main?: string;
  readonly binary?: boolean;
}

/** Makes actions out of files, folders, archives and API requests. */
export class Packager {
  /** Images of the code that it has packed. */
  readonly images: CodeImages;
  readonly #store: CodeStore;
  readonly #thread: PackingThread;
  readonly #resolveKind: (kind: string) => string;
  readonly #policy: ActionPolicy;

  constructor(options: PackagerOptions) {
    this.images = new CodeImages(options.codeDir);
    this.#store = new CodeStore(options.codeDir, { durable: options.durable });
    this.#thread = new PackingThread(options.codeDir);
    this.#resolveKind = options.resolveKind;
    this.#policy = {
      ...DEFAULT_POLICY,
      ...(options.startsFrom !== undefined && { startsFrom: options.startsFrom }),
    };
  }

  /**
   * From a source file, a folder, a .zip or a .tar.gz. On this thread: for those who wait for
   * nothing else.
   */
  async fromPath(path: string, options: PackageOptions = {}): Promise<Action> {
    const { packed, text } = await this.#packPath(path, options.kind);
    return this.#finish(packed, text, { name: `_/${nameOf(path)}`, ...options });
  }

  async fromExec(exec: ActionExec, options: NamedOptions): Promise<Action> {
    return this.fromPacked(await this.pack(exec, options.name), exec, options);
  }

  /** An archive, and a long text, is packed beside this thread. */
  async pack({ kind, code, binary }: ActionExec, name: string): Promise<Packed> {
    const resolved = this.#resolveKind(kind);
    if (typeof code !== 'string' || looksLikeArchive(code)) {
      return await this.#thread.packCode(code, resolved, binary, name);
    }
    return await packExec({ code, binary }, resolved, name, this.#store);
  }

  /** Reads the document of an action and packs its code, beside this thread. The pieces are given away. */
  async packDocument(pieces: readonly Uint8Array[], name: string): Promise<PackedDocument> {
    return await this.#thread.packDocument(pieces, name);
  }

  /** @param exec with the code that was packed */
  fromPacked(packed: Packed, exec: ActionExec, options: NamedOptions): Action {
    const named = exec.main === undefined ? options : { main: exec.main, ...options };
    return this.#finish(packed, exec.code, named);
  }

  /** What was packed of it before, if that is still there; else it is packed again. */
  async repack(exec: ActionExec, image: string | null, name: string): Promise<Packed> {
    const imagePath = image === null ? undefined : await this.#store.find(image);
    if (image === null || imagePath === undefined) return await this.pack(exec, name);
    return { kind: this.#resolveKind(exec.kind), digest: image, form: { type: 'image', imagePath } };
  }

  async #packPath(path: string, kind: string | undefined): Promise<{ packed: Packed; text: string }> {
    const status = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new PlatformError('code_not_found', `There is no file or folder ${path} (${cause.code}).`, {
        cause,
      });
    });
    if (status.isDirectory()) {
      const tree = await readFolder(resolve(path));
      const resolved = this.#resolveKind(kind ?? kindOfTree(tree, path));
      return { packed: await packTree(tree, resolved, path, this.#store), text: '' };
    }
    if (!status.isFile()) {
      throw new PlatformError('unknown_code', `${path} is neither a file nor a folder.`);
    }
    if (status.size > CODE_LIMITS.packedBytes) throw tooLarge(path, status.size);
    return await this.#packFile(await readFile(path), path, kind);
  }

  async #packFile(
    bytes: Buffer,
    path: string,
    kind: string | undefined,
  ): Promise<{ packed: Packed; text: string }> {
    const tree = await readArchive(bytes, path);
    if (tree !== undefined) {
      const resolved = this.#resolveKind(kind ?? kindOfTree(tree, path));
      return { packed: await packTree(tree, resolved, path, this.#store), text: '' };
    }
    if (/\.(zip|tgz|tar\.gz)$/i.test(path)) {
      throw new PlatformError('bad_archive', `${path} is not a zip or gzip file, in spite of its name.`);
    }
    const text = decode(bytes, path);
    const resolved = this.#resolveKind(kind ?? kindOfFile(path));
    return { packed: packSource(text, basename(path), resolved, path), text };
  }

  #finish(packed: Packed, code: CodeText, options: NamedOptions): Action {
    const main = options.main ?? 'main';
    if (!/^[\w$./-]{1,256}$/.test(main)) {
      throw new PlatformError('bad_main', `${JSON.stringify(main)} cannot be the name of an entry point.`);
    }
    const env = options.env ?? {};
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const policy = { ...this.#policy, ...options.policy };
    // The name too: actions of different owners share no context, even if their code is the same.
    const identity = [
      options.name,
      packed.kind,
      packed.digest,
      main,
      Object.entries(env).sort(),
      limits.memoryBytes,
      policy.startsFrom,
      policy.specialize,
      policy.warmup,
    ];
    return {
      name: options.name,
      version: options.version ?? '0.0.1',
      kind: packed.kind,
      main,
      code: codeOf(packed, code),
      env,
      limits,
      policy,
      digest: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    };
  }
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PlatformError('unknown_code', `${path} is not text in UTF-8.`, { cause });
  }
}

/** A name for an action that came without one: that of its file or folder, as OpenWhisk allows names. */
function nameOf(path: string): string {
  const base = basename(resolve(path));
  const stem = base.replace(/\.tar\.gz$/i, '').slice(0, 256);
  const name = (extname(stem) === '' ? stem : stem.slice(0, -extname(stem).length)).replace(/[^\w@.-]/g, '-');
  return name === '' ? 'action' : name;
}
