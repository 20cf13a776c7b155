import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import {
  type Action,
  type ActionCode,
  type ActionLimits,
  type ActionPolicy,
  DEFAULT_LIMITS,
  DEFAULT_POLICY,
  PlatformError,
  type StartState,
} from '../node/types.ts';
import { CodeStore } from './code-store.ts';
import type { CodeTree } from './code-tree.ts';
import { readFolder } from './folder.ts';
import { checkRoot, defaultFilename, kindOfFile, kindOfTree } from './kind.ts';
import { CODE_LIMITS, megabytes } from './limits.ts';
import { isGzip, readTarball } from './tarball.ts';
import { isZip, readZip } from './zip.ts';

export interface PackagerOptions {
  /** Folder of the code images. */
  readonly codeDir: string;
  /** `nodejs:default` → `nodejs:24`; throws a PlatformError `unknown_kind`. */
  readonly resolveKind: (kind: string) => string;
  /** What actions that say nothing about it start from (default: `reuse`). */
  readonly state?: StartState;
}

export interface PackageOptions {
  /** `namespace/name`; by default made from the path. */
  readonly name?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ActionLimits>;
  readonly policy?: Partial<ActionPolicy>;
}

/** An action's code as OpenWhisk's API carries it. */
export interface ActionExec {
  readonly kind: string;
  /** Text, or a zip or .tar.gz in base64. */
  readonly code: string;
  readonly main?: string;
  readonly binary?: boolean;
}

/** What the code turned out to be, before it becomes part of an action. */
interface Packed {
  readonly kind: string;
  readonly code: ActionCode;
  readonly digest: string;
}

/** Makes actions out of files, folders, archives and API requests. */
export class Packager {
  readonly #store: CodeStore;
  readonly #resolveKind: (kind: string) => string;
  readonly #policy: ActionPolicy;

  constructor(options: PackagerOptions) {
    this.#store = new CodeStore(options.codeDir);
    this.#resolveKind = options.resolveKind;
    this.#policy = { ...DEFAULT_POLICY, ...(options.state !== undefined && { state: options.state }) };
  }

  /** From a source file, a folder, a .zip or a .tar.gz. */
  async fromPath(path: string, options: PackageOptions = {}): Promise<Action> {
    const packed = await this.#packPath(path, options.kind);
    return this.#finish(packed, { name: `_/${nameOf(path)}`, ...options });
  }

  async fromExec(exec: ActionExec, options: PackageOptions & { readonly name: string }): Promise<Action> {
    const kind = this.#resolveKind(exec.kind);
    const packed = await this.#packExec(exec, kind, options.name);
    return this.#finish(packed, exec.main === undefined ? options : { main: exec.main, ...options });
  }

  /** As `fromExec`, for code that it has packed before: unless its image is gone, nothing is unpacked. */
  async fromStored(
    exec: ActionExec,
    image: string | null,
    options: PackageOptions & { readonly name: string },
  ): Promise<Action> {
    const imagePath = image === null ? undefined : await this.#store.find(image);
    if (image === null || imagePath === undefined) return await this.fromExec(exec, options);
    const kind = this.#resolveKind(exec.kind);
    const packed: Packed = { kind, code: { type: 'image', imagePath }, digest: image };
    return this.#finish(packed, exec.main === undefined ? options : { main: exec.main, ...options });
  }

  async #packPath(path: string, kind: string | undefined): Promise<Packed> {
    const status = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new PlatformError('code_not_found', `There is no file or folder ${path} (${cause.code}).`, {
        cause,
      });
    });
    if (status.isDirectory()) return await this.#packTree(await readFolder(resolve(path)), kind, path);
    if (!status.isFile()) {
      throw new PlatformError('unknown_code', `${path} is neither a file nor a folder.`);
    }
    if (status.size > CODE_LIMITS.packedBytes) throw tooLarge(path, status.size);
    const bytes = await readFile(path);
    const tree = await readArchive(bytes, path);
    if (tree !== undefined) return await this.#packTree(tree, kind, path);
    if (/\.(zip|tgz|tar\.gz)$/i.test(path)) {
      throw new PlatformError('bad_archive', `${path} is not a zip or gzip file, in spite of its name.`);
    }
    return packSource(decode(bytes, path), basename(path), this.#resolveKind(kind ?? kindOfFile(path)), path);
  }

  async #packExec(exec: ActionExec, kind: string, name: string): Promise<Packed> {
    const bytes = decodeArchive(exec.code);
    const sizeBytes = bytes?.length ?? Buffer.byteLength(exec.code);
    if (sizeBytes > CODE_LIMITS.packedBytes) throw tooLarge(`The code of ${name}`, sizeBytes);
    if (bytes !== undefined) {
      const tree = await readArchive(bytes, `The archive of ${name}`);
      if (tree !== undefined) return await this.#packTree(tree, kind, `The archive of ${name}`);
    }
    if (exec.binary === true) {
      throw new PlatformError(
        'bad_archive',
        `The code of ${name} is said to be binary, but is no zip or .tar.gz in base64.`,
      );
    }
    return packSource(exec.code, defaultFilename(kind), kind, `The code of ${name}`);
  }

  async #packTree(tree: CodeTree, kind: string | undefined, origin: string): Promise<Packed> {
    const resolved = this.#resolveKind(kind ?? kindOfTree(tree, origin));
    checkRoot(tree, resolved, origin);
    const { imagePath, digest } = await this.#store.put(tree.finish());
    return { kind: resolved, code: { type: 'image', imagePath }, digest };
  }

  #finish(packed: Packed, options: PackageOptions & { readonly name: string }): Action {
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
      policy.state,
      policy.specialize,
      policy.warmup,
    ];
    return {
      name: options.name,
      version: options.version ?? '0.0.1',
      kind: packed.kind,
      main,
      code: packed.code,
      env,
      limits,
      policy,
      digest: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    };
  }
}

async function readArchive(bytes: Buffer, origin: string): Promise<CodeTree | undefined> {
  if (isZip(bytes)) return await readZip(bytes, origin);
  if (isGzip(bytes)) return await readTarball(bytes, origin);
  return undefined;
}

/** Bytes of an archive in base64; undefined for source text (OpenWhisk tells the two apart like this). */
function decodeArchive(code: string): Buffer | undefined {
  const text = code.trim();
  if (!/^(UEsDB|H4sI)/.test(text) || !/^[A-Za-z0-9+/\s]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

function packSource(source: string, filename: string, kind: string, origin: string): Packed {
  if (source.trim() === '') throw new PlatformError('empty_code', `${origin} is empty.`);
  const digest = createHash('sha256').update(`${filename}\0${source}`).digest('hex');
  return { kind, code: { type: 'source', source, filename }, digest };
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

function tooLarge(origin: string, bytes: number): PlatformError {
  return new PlatformError(
    'code_too_large',
    `${origin} is ${megabytes(bytes)}; ${megabytes(CODE_LIMITS.packedBytes)} are allowed.`,
    {
      remedy: 'Leave out what the function does not need at run time.',
    },
  );
}
