/**
 * A driver run natively: the device is a socket, everything else is as in a UC.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import type { JsonObject, JsonValue } from '../../src/json/json-text.ts';
import { DRIVER_VERSION, DRIVER_VERSION_VARIABLE } from '../../src/runtime/driver-version.ts';

const DEVICE_FD = 3;
const drivers = join(import.meta.dirname, '../../drivers');

export interface Answer {
  readonly op: string;
  readonly id?: number;
  readonly status?: string;
  readonly value?: JsonValue;
  readonly error?: string;
  readonly seeded?: boolean;
  readonly version?: string;
  readonly protocol?: number;
  readonly observed?: string[];
  readonly checkpoint?: boolean;
}

export interface Code {
  readonly source?: string;
  readonly filename?: string;
  readonly dir?: string;
  readonly main?: string;
  readonly env?: Record<string, string>;
  readonly specialize?: boolean;
}

/** SEUSS_TEST_NODE: another Node.js to run the driver in. */
export const NODEJS = [
  process.env.SEUSS_TEST_NODE ?? process.execPath,
  join(drivers, 'nodejs/driver.cjs'),
] as const;
export const PYTHON = ['/usr/bin/python3', '-s', '-B', join(drivers, 'python/driver.py')] as const;

export function newSeed(): string {
  return randomBytes(64).toString('hex');
}

/** Where the node under test keeps its images is nothing that a function sees. */
const { SEUSS_HOME: _home, ...inherited } = process.env;

export class Driver implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #device: Duplex;
  readonly #lines: AsyncIterator<string>;
  readonly #tmp = mkdtempSync(join(tmpdir(), 'seuss-driver-'));
  readonly #output = { stdout: '', stderr: '' };
  #nextId = 1;

  constructor(
    command: readonly string[],
    options: { anticipate?: boolean; env?: Record<string, string | undefined> } = {},
  ) {
    const [program, ...args] = command;
    assert(program !== undefined);
    this.#process = spawn(program, options.anticipate ? args : [...args, '--no-ao'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: {
        ...inherited,
        [DRIVER_VERSION_VARIABLE]: String(DRIVER_VERSION),
        ...options.env,
        TMPDIR: this.#tmp,
        SEUSS_DEVICE: String(DEVICE_FD),
      },
    });
    this.#device = this.#process.stdio[DEVICE_FD] as Duplex;
    this.#lines = createInterface({ input: this.#device })[Symbol.asyncIterator]();
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#process[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this.#output[stream] += text;
      });
    }
  }

  static async boot(...args: ConstructorParameters<typeof Driver>): Promise<Driver> {
    const driver = new Driver(...args);
    const booted = await driver.receive();
    assert.deepEqual([booted.op, booted.protocol], ['booted', DRIVER_VERSION]);
    return driver;
  }

  send(message: object): void {
    this.#device.write(`${JSON.stringify(message)}\n`);
  }

  async receive(): Promise<Answer> {
    return JSON.parse(await this.receiveLine()) as Answer;
  }

  async receiveLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    assert(!done, `the driver ended: ${this.#output.stderr}`);
    return value;
  }

  /**
   * A run whose arguments and result are texts, for what JavaScript would change; the part of the
   * answer behind `status`.
   */
  async runText(value: string, op = 'run'): Promise<string> {
    const id = this.#nextId++;
    this.#device.write(`{"op":"${op}","id":${id},"value":${value},"env":{}}\n`);
    const [, answer] = /^\{"op":"result","id":\d+,"status":(.*)\}$/s.exec(await this.receiveLine()) ?? [];
    assert(answer !== undefined);
    return answer;
  }

  async init(code: Code, seed?: string): Promise<Answer> {
    this.send({ op: 'init', main: 'main', env: {}, ...code, ...(seed === undefined ? {} : { seed }) });
    return this.receive();
  }

  async run(value: JsonValue = {}, env: Record<string, string> = {}, seed?: string): Promise<Answer> {
    const id = this.#nextId++;
    this.send({ op: 'run', id, value, env, ...(seed === undefined ? {} : { seed }) });
    const answer = await this.receive();
    assert.equal(answer.op, 'result');
    assert.equal(answer.id, id);
    return answer;
  }

  /** A run that must park. */
  async specialize(fixed: JsonObject): Promise<Answer> {
    const id = this.#nextId++;
    this.send({ op: 'specialize', id, value: fixed, seed: newSeed() });
    const answer = await this.receive();
    assert.deepEqual([answer.op, answer.id, answer.seeded], ['parked', id, true], JSON.stringify(answer));
    return answer;
  }

  /** The answer of a parked run that goes on. */
  async resume(value: JsonObject, env: Record<string, string> = {}): Promise<Answer> {
    const id = this.#nextId++;
    this.send({ op: 'resume', id, value, env, seed: newSeed() });
    const answer = await this.receive();
    assert.deepEqual([answer.op, answer.id, answer.seeded], ['result', id, true], JSON.stringify(answer));
    return answer;
  }

  /** Init that must succeed. */
  async load(source: string, code: Code = {}): Promise<void> {
    const answer = await this.init({ source, ...code });
    assert.deepEqual(answer, { op: 'ready' });
  }

  /** What the function wrote so far. */
  get output(): Readonly<{ stdout: string; stderr: string }> {
    return this.#output;
  }

  /** What it has written when it has ended, for it gets no more messages. */
  async outputOfAll(): Promise<Readonly<{ stdout: string; stderr: string }>> {
    this.#device.end();
    await this.ended();
    return this.#output;
  }

  /** The exit code, once it has ended. */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#device.end();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'close');
    }
    rmSync(this.#tmp, { recursive: true });
  }
}
