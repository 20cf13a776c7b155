import type { ErrorCode } from '../contract/error-codes.ts';
import { PlatformError } from '../contract/errors.ts';
import { CODE_LIMITS, megabytes } from './limits.ts';

export type CodeEntry =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly executable: boolean; readonly content: Buffer }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string };

/** As Linux has it; more of them go round in a circle. */
const SYMLINK_HOPS = 40;

/**
 * The files of one action, from whatever they came in. Every path that is added is
 * checked, so that a finished tree is safe to unpack: relative, without `..`, each name
 * once, no link that leaves it.
 */
export class CodeTree {
  readonly #entries = new Map<string, CodeEntry>();
  readonly #origin: string;
  #bytes = 0;

  /** `origin` is what error messages call the source of the files. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  get unpackedBytes(): number {
    return this.#bytes;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  get(path: string): CodeEntry | undefined {
    return this.#entries.get(path);
  }

  addFile(path: string, content: Buffer, executable = false): void {
    const name = this.#checkPath(path);
    this.#bytes += content.length;
    if (this.#bytes > CODE_LIMITS.unpackedBytes) throw this.tooLarge();
    this.#insert({ type: 'file', path: name, executable, content });
  }

  addDirectory(path: string): void {
    const name = this.#checkPath(path);
    if (this.#entries.get(name)?.type !== 'directory') this.#insert({ type: 'directory', path: name });
  }

  addSymlink(path: string, target: string): void {
    if (target === '' || target.includes('\0') || Buffer.byteLength(target) > CODE_LIMITS.pathBytes) {
      throw this.#error('unsafe_path', `has the link "${path}" with an empty or overlong target`);
    }
    this.#insert({ type: 'symlink', path: this.#checkPath(path), target });
  }

  /** All entries, parents before children, sorted by path. Checks what only the whole tree can show. */
  finish(): CodeEntry[] {
    for (const entry of this.#entries.values()) {
      if (entry.type === 'symlink') this.#checkLink(entry.path);
    }
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  tooLarge(): PlatformError {
    return this.#error('code_too_large', `unpacks to more than ${megabytes(CODE_LIMITS.unpackedBytes)}`, {
      remedy: 'Leave out what the function does not need at run time.',
    });
  }

  #insert(entry: CodeEntry): void {
    if (this.#entries.has(entry.path)) {
      throw this.#error('duplicate_name', `has "${entry.path}" twice`);
    }
    this.#addParents(entry.path);
    this.#entries.set(entry.path, entry);
    if (this.#entries.size > CODE_LIMITS.entries) {
      throw this.#error('code_too_large', `has more than ${CODE_LIMITS.entries} entries`);
    }
  }

  #addParents(path: string): void {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      const known = this.#entries.get(parent);
      if (known?.type === 'directory') return;
      if (known !== undefined) {
        throw this.#error('unsafe_path', `has "${path}" below "${parent}", which is a ${known.type}`);
      }
      this.#entries.set(parent, { type: 'directory', path: parent });
    }
  }

  #checkPath(path: string): string {
    const fail = (why: string) =>
      this.#error('unsafe_path', `has the path ${JSON.stringify(path)}, which ${why}`);
    if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) throw fail('is absolute');
    if (path.includes('\\') || path.includes('\0')) throw fail('has a backslash or a NUL byte in it');
    if (Buffer.byteLength(path) > CODE_LIMITS.pathBytes) throw fail('is too long');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw fail('leads out of the action with ".."');
    if (parts.length === 0) throw fail('names nothing');
    if (parts.length > CODE_LIMITS.depth) throw fail(`is deeper than ${CODE_LIMITS.depth} folders`);
    if (parts.some((part) => Buffer.byteLength(part) > CODE_LIMITS.nameBytes))
      throw fail('has a name that is too long');
    return parts.join('/');
  }

  /** Follows a link through the tree, as the guest would, and insists that it stays inside. */
  #checkLink(path: string): void {
    const leaves = (why: string) =>
      this.#error('unsafe_path', `has the link "${path}", which ${why}`, {
        remedy: 'Replace the link by the file it stands for.',
      });
    let hops = 0;
    const at: string[] = [];
    const todo = path.split('/');
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at.pop() === undefined) throw leaves('leads out of the action');
        continue;
      }
      at.push(part);
      const entry = this.#entries.get(at.join('/'));
      if (entry?.type !== 'symlink') continue;
      if (++hops > SYMLINK_HOPS) throw leaves('goes round in a circle');
      if (entry.target.startsWith('/')) throw leaves(`is absolute (${entry.target})`);
      at.pop();
      todo.unshift(...entry.target.split('/'));
    }
  }

  #error(code: ErrorCode, what: string, options?: { remedy?: string }): PlatformError {
    return new PlatformError(code, `${this.#origin} ${what}.`, options);
  }
}
