import type { Action, Arguments } from '../../src/contract/action.ts';
import type {
  Activation,
  ActivationStatus,
  InvokeOptions,
  RunningActivation,
} from '../../src/contract/activation.ts';
import { PlatformError } from '../../src/contract/errors.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import type { SnapshotDetails, SnapshotDiff, SnapshotInfo } from '../../src/contract/snapshot.ts';
import type { JsonObject, JsonText, JsonValue } from '../../src/json/json-text.ts';
import { argumentsText } from '../../src/node/function/arguments.ts';
import { AnsweredActivation } from '../../src/node/invoke/answered.ts';
import { ActivationLog } from '../../src/uc/activation-log.ts';

/** What is not like the standard answer. */
interface Behaved {
  readonly status?: ActivationStatus;
  readonly result?: JsonValue | JsonText;
  readonly log?: ActivationLog;
}

type Behaviour = (params: JsonObject, options: InvokeOptions | undefined) => Behaved | Promise<Behaved>;

function helloLog(): ActivationLog {
  const log = new ActivationLog();
  log.add('stdout', undefined, Buffer.from('hello\n'), 0);
  return log;
}

/** Stands in for the node where only the HTTP edge is tested. Actions behave by their source text. */
export class FakeNode implements ComputeNode {
  readonly forgotten: string[] = [];
  /** Invocations so far. */
  invoking = 0;
  broken: PlatformError | undefined;
  readonly behaviours: Record<string, Behaviour> = {
    echo: (params) => ({ result: params }),
    env: (_params, options) => ({ result: { ...options?.env } }),
    throws: () => ({ status: 'action developer error', result: { error: 'An error has occurred: oops' } }),
    rejects: () => ({ status: 'application error', result: { error: { kind: 'sad' } } }),
    overload: () => {
      throw new PlatformError('overloaded', 'the queue is full', { remedy: 'Try again later.' });
    },
    breaks: () => {
      throw new Error('secret detail');
    },
    slow: async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return { result: { done: true } };
    },
    /** As one that waits for a free core for longer than its own time limit. */
    queued: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1300));
      return {};
    },
    logsLate: (_params, options) => {
      const say = (line: string) => options?.onLateLog?.({ timeMs: 0, stream: 'stderr', line });
      say('at once');
      setTimeout(say, 20, 'later');
      return {};
    },
    late: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new PlatformError('closed', 'the node is closed');
    },
  };

  async invoke(action: Action, params: Arguments, options?: InvokeOptions): Promise<Activation> {
    const startMs = Date.now();
    const name = action.code.type === 'source' ? action.code.source : 'echo';
    const text = argumentsText(params);
    this.invoking += 1;
    const {
      status = 'success',
      result = {},
      log = helloLog(),
    } = (await this.behaviours[name]?.(text.value() as JsonObject, options)) ?? {};
    const outcome = { status, result: name === 'echo' ? text : argumentsText(result), timedOut: false };
    const timings = { waitMs: 1.4, deployMs: 0.5, initMs: 2.2, runMs: 0.3, totalMs: 4.4 };
    return new AnsweredActivation(outcome, 'cold', timings, log, startMs);
  }

  async forget(action: Action): Promise<void> {
    this.forgotten.push(`${action.name}@${action.version}`);
  }

  async dropIdle(): Promise<void> {}
  async close(): Promise<void> {}
  readonly failed = new Promise<PlatformError>(() => undefined);

  fault(): PlatformError | undefined {
    return this.broken;
  }

  async recapture(): Promise<boolean> {
    return false;
  }

  async demoteIdle() {
    return 0;
  }

  stats() {
    return {
      cores: { all: 0, up: 0, complete: 0 },
      idleUcs: 0,
      demotedUcs: 0,
      restlessUcs: 0,
      busyUcs: 0,
      memory: { budgetBytes: 0, runningBytes: 0, idleBytes: 0, snapshotBytes: 0 },
      queued: 0,
      leaks: 0,
      cold: 0,
      warm: 0,
      argument: 0,
      hot: 0,
      snapshots: this.snapshots,
    };
  }

  halfwayPoints() {
    return [];
  }

  readonly snapshots: SnapshotInfo[] = [];
  readonly runningNow: RunningActivation[] = [];
  readonly calls: string[] = [];

  running() {
    return this.runningNow;
  }

  async capture(activationId: string): Promise<SnapshotInfo> {
    this.calls.push(`capture ${activationId}`);
    throw new PlatformError('not_running', 'it ended meanwhile');
  }

  async resume(snapshotId: string): Promise<Activation> {
    this.calls.push(`resume ${snapshotId}`);
    throw new PlatformError('not_resumable', 'it holds no run');
  }

  async inspect(snapshotId: string): Promise<SnapshotDetails> {
    this.calls.push(`inspect ${snapshotId}`);
    throw new PlatformError('unknown_snapshot', 'it was evicted');
  }

  async diff(a: string, b: string): Promise<SnapshotDiff> {
    return { a, b, pages: { onlyA: 0, onlyB: 0, bytes: 1, access: 0 }, words: 2, runs: [], truncated: false };
  }

  async dropSnapshot(snapshotId: string): Promise<void> {
    this.calls.push(`drop ${snapshotId}`);
  }

  async idleMemory() {
    return { demoted: false, privateBytes: 0, sharedBytes: 0, pageTableBytes: 0 };
  }
}
