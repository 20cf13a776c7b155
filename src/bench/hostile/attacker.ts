import { z } from 'zod';
import type { HostileFunction } from './hostile-function.ts';
import { type Answer, type CallOptions, HttpClient, type ServerAddress } from './http-client.ts';
import { nativeArchive } from './native.ts';

const ACTIONS = '/api/v1/namespaces/_/actions';
/** How long an answer may take beyond the function's time limit before it counts as lost. */
const GRACE_MS = 20_000;
const DEFAULT_TIMEOUT_MS = 1500;

const activation = z.object({
  duration: z.number(),
  response: z.object({ status: z.string(), result: z.unknown(), size: z.number() }),
});

/** What an invocation came to. */
export interface Outcome {
  readonly httpStatus: number;
  /** Bytes of the answer's body. */
  readonly bytes: number;
  /** OpenWhisk's status of the activation; undefined where the answer is none, or too long to be kept. */
  readonly status: string | undefined;
  readonly result: unknown;
  readonly text: string;
}

/** A client with hostile functions, and hostile itself. */
export class Attacker {
  readonly server: ServerAddress;
  readonly #client: HttpClient;
  readonly #function: HostileFunction | undefined;
  readonly #name: string;
  readonly #created = new Set<string>();

  constructor(
    server: ServerAddress,
    { name, function: hostile }: { readonly name: string; readonly function?: HostileFunction },
  ) {
    this.server = server;
    this.#client = new HttpClient(server);
    this.#function = hostile;
    this.#name = `hostile-${name}`;
  }

  /** Creates the attack's function, if it has one. */
  async prepare(): Promise<void> {
    if (this.#function !== undefined) await this.create(this.#name, this.#function);
  }

  async create(name: string, { code, ...hostile }: HostileFunction): Promise<void> {
    const text = 'source' in code ? code.source : await nativeArchive(code.native);
    const answer = await this.put(name, {
      exec: { kind: hostile.kind, code: text, ...('native' in code && { binary: true }) },
      limits: { timeout: hostile.timeoutMs ?? DEFAULT_TIMEOUT_MS, memory: hostile.memoryMb ?? 256 },
      parameters: Object.entries(hostile.env ?? {}).map(([key, value]) => ({ key, value, init: true })),
      annotations: [{ key: 'seuss', value: { state: hostile.state ?? 'reuse' } }],
    });
    if (answer.status !== 200)
      throw new Error(`${name} was not created: ${answer.status} ${answer.text.slice(0, 500)}`);
  }

  /** Of any content, an action. */
  async put(name: string, content: object): Promise<Answer> {
    this.#created.add(name);
    return await this.call('PUT', `${ACTIONS}/${name}?overwrite=true`, { body: JSON.stringify(content) });
  }

  /** Invokes a function of its own, the attack's by default, and waits for what comes of it. */
  async invoke(params: object = {}, name: string = this.#name): Promise<Outcome> {
    const timeoutMs = (this.#function?.timeoutMs ?? DEFAULT_TIMEOUT_MS) * 2 + GRACE_MS;
    const answer = await this.call('POST', `${ACTIONS}/${name}?blocking=true`, {
      body: JSON.stringify(params),
      timeoutMs,
    });
    const { data } = activation.safeParse(json(answer.text));
    return {
      httpStatus: answer.status,
      bytes: answer.bytes,
      status: data?.response.status,
      result: data?.response.result,
      text: answer.text,
    };
  }

  call(method: string, path: string, options?: CallOptions): Promise<Answer> {
    return this.#client.call(method, path, options);
  }

  async remove(name: string): Promise<void> {
    await this.call('DELETE', `${ACTIONS}/${name}`);
    this.#created.delete(name);
  }

  /** Deletes its actions, and hangs up. */
  async leave(): Promise<void> {
    for (const name of this.#created) await this.remove(name);
    this.#client.close();
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
