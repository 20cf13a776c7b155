import type { Action } from '../../contract/action.ts';
import type { RunningActivation, StartPath } from '../../contract/activation.ts';
import { PlatformError } from '../../contract/errors.ts';
import type { FunctionUc } from './function-record.ts';

/** An invocation with an id, from its arrival to its answer. */
export class RunningInvocation {
  readonly id: string;
  readonly action: Action;
  readonly startMs = Date.now();
  path: StartPath | undefined;
  /** Where it runs, and the id of its run message, once that was sent. */
  run: { readonly uc: FunctionUc; readonly id: number } | undefined;
  #heldAtCut: Buffer | undefined;

  constructor(id: string, action: Action) {
    this.id = id;
    this.action = action;
  }

  info(): RunningActivation {
    const { id, action, startMs, path = null } = this;
    const phase = this.run !== undefined ? 'running' : path === null ? 'waiting' : 'starting';
    return { id, of: action.name, phase, path, startMs };
  }

  /** A live capture stopped the UC before it had answered; `held` is what it had sent of its answer. */
  readonly noteCut = (held: Buffer): void => {
    this.#heldAtCut = held;
  };

  /** What the last cut left; undefined if there was none since it was asked last. */
  takeCut(): Buffer | undefined {
    const held = this.#heldAtCut;
    this.#heldAtCut = undefined;
    return held;
  }
}

/** The invocations with an id that have not been answered. */
export class RunningInvocations {
  readonly #running = new Map<string, RunningInvocation>();

  /** @throws PlatformError `duplicate_id` */
  begin(id: string, action: Action): RunningInvocation {
    if (this.#running.has(id)) {
      throw new PlatformError('duplicate_id', `an activation ${id} runs already`);
    }
    const invocation = new RunningInvocation(id, action);
    this.#running.set(id, invocation);
    return invocation;
  }

  end(invocation: RunningInvocation): void {
    invocation.run = undefined;
    this.#running.delete(invocation.id);
  }

  get(id: string): RunningInvocation | undefined {
    return this.#running.get(id);
  }

  list(): RunningActivation[] {
    return Array.from(this.#running.values(), (invocation) => invocation.info());
  }
}
