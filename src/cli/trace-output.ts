import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { NAMESPACE } from '../api/auth.ts';
import { entityName } from '../catalog/fields.ts';
import { UsageError } from './errors.ts';

const NAME = /^(?:\/?([^/]+)\/)?([^/]+)$/;
/** Lines that wait for a slow disk or reader. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** `NAMESPACE/NAME`, also with a slash in front, or a bare name in the node's namespace → the full name. */
export function tracedAction(text: string): string {
  const [, namespace = '_', name] = NAME.exec(text) ?? [];
  if (!entityName.safeParse(name).success) {
    throw new UsageError(`--trace takes NAMESPACE/NAME or NAME of an action, not ${JSON.stringify(text)}.`);
  }
  if (namespace !== '_' && namespace !== NAMESPACE) {
    throw new UsageError(
      `--trace names the namespace ${JSON.stringify(namespace)}; this server has ${NAMESPACE} alone.`,
    );
  }
  return `${NAMESPACE}/${name}`;
}

/** Where the lines of a trace go: a file, to whose end they are added, or stderr. */
export class TraceOutput {
  readonly #stream: Writable;
  readonly #onFault: (message: string) => void;
  readonly #isFile: boolean;
  #failed = false;
  #leftOut = 0;

  /**
   * @param onFault hears once that nothing can be written any more
   * @throws UsageError when the file cannot be opened
   */
  static async open(path: string | undefined, onFault: (message: string) => void): Promise<TraceOutput> {
    if (path === undefined) return new TraceOutput(process.stderr, false, onFault);
    const file = createWriteStream(path, { flags: 'a', mode: 0o600 });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    file.once('open', () => resolve()).once('error', reject);
    await promise.catch((error: Error) => {
      throw new UsageError(`--trace-file names ${path}: ${error.message}`);
    });
    return new TraceOutput(file, true, onFault);
  }

  private constructor(stream: Writable, isFile: boolean, onFault: (message: string) => void) {
    this.#stream = stream;
    this.#isFile = isFile;
    this.#onFault = onFault;
    stream.on('error', this.#onError);
  }

  /** Whole lines. Those for which there is no room are left out, and counted. */
  readonly write = (lines: string): void => {
    if (this.#failed) return;
    if (this.#stream.writableLength > WAITING_BYTES_MAX) {
      this.#leftOut += lines.length;
      return;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#stream.write(
      leftOut === 0 ? lines : `- ${leftOut} bytes are left out: they came too fast\n${lines}`,
    );
  };

  /** Resolves when a file has all that was written. */
  async close(): Promise<void> {
    if (this.#isFile && !this.#failed) await finished(this.#stream.end()).catch(() => undefined);
    this.#stream.off('error', this.#onError);
  }

  readonly #onError = (error: Error): void => {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFault(`the trace of system calls ends: ${error.message}`);
  };
}
