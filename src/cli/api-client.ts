import { z } from 'zod';
import { PlatformError } from '../contract/errors.ts';
import { printJson } from '../json/print.ts';
import { parseAnswer } from './answers.ts';
import { ApiRequestError } from './api-request-error.ts';
import type { ApiTarget } from './api-target.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

const errorBody = z.object({ error: z.string(), reason: z.string().optional() });

/** Speaks with a running node. Every answer is checked against a schema. */
export class ApiClient {
  readonly #target: ApiTarget;
  readonly #authorization: string;

  constructor(target: ApiTarget) {
    this.#target = target;
    this.#authorization = `Basic ${Buffer.from(target.key).toString('base64')}`;
  }

  /**
   * An answer of the expected form counts whatever its status: that of a function that failed is 502.
   * @param path from the root on; parts that come from outside go through `encodeURIComponent`
   * @throws ApiRequestError for a status of 400 and above; PlatformError `unreachable`, `bad_answer`
   */
  async request<T>(method: Method, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const { status, text } = await this.#fetch(method, path, body);
    const answer = parseAnswer(text);
    const parsed = schema.safeParse(answer);
    if (parsed.success) {
      return parsed.data;
    }
    if (status >= 400) {
      const { data } = errorBody.safeParse(answer);
      const message = data?.error ?? `${method} ${path} was answered with status ${status}`;
      throw new ApiRequestError(status, data?.reason ?? `http_${status}`, message);
    }
    throw new PlatformError('bad_answer', `${this.#target.url}${path} answered in a form that is not known`, {
      remedy: 'Is it a node of the same version?',
      cause: parsed.error,
    });
  }

  async #fetch(method: Method, path: string, body: unknown): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`${this.#target.url}${path}`, {
        method,
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body: body === undefined ? null : printJson(body),
      });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      throw new PlatformError('unreachable', `no node answers at ${this.#target.url}`, {
        remedy: 'Start one with: seuss serve. Or name it with --apihost.',
        cause,
      });
    }
  }
}
