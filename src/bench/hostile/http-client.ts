import { Agent, request } from 'node:http';

/** A node that is served over HTTP, and the key that it takes. */
export interface ServerAddress {
  readonly url: string;
  /** `user:password` */
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  /** Of the body, which `text` holds as far as it was kept. */
  readonly bytes: number;
  readonly text: string;
}

export interface CallOptions {
  readonly body?: string | Buffer;
  /** False: no key is sent. */
  readonly authorized?: boolean;
  readonly timeoutMs?: number;
  /** More of an answer is counted, and thrown away. */
  readonly keepBytes?: number;
}

const TIMEOUT_MS = 120_000;
const KEEP_BYTES = 1024 * 1024;

/** Speaks HTTP as any client does; one answer at a time for each connection, which it keeps. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #url: string;
  readonly #authorization: string;

  constructor({ url, key }: ServerAddress) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64 });
    this.#authorization = `Basic ${Buffer.from(key).toString('base64')}`;
  }

  /** Rejects when there is no whole answer in time. */
  call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body = '', authorized = true, timeoutMs = TIMEOUT_MS, keepBytes = KEEP_BYTES } = options;
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(authorized && { authorization: this.#authorization }),
      };
      const { hostname, port } = new URL(this.#url);
      const sent = request(
        { hostname, port, path, method, headers, signal, agent: this.#agent },
        (answer) => {
          const kept: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (chunk: Buffer) => {
            if (bytes < keepBytes) kept.push(chunk);
            bytes += chunk.length;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, bytes, text: Buffer.concat(kept).toString('utf8') });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
