import type { Core } from '../../cores/cores.ts';
import type { FunctionUc } from '../function/function-record.ts';

/** A UC that serves one invocation after the other is not worth a message each time. */
const IDLE_MS = 25;

/** Tells the tenders which UCs are idle, so that they end those that go on working after their answer. */
export class RestWatch {
  readonly #untold = new Set<FunctionUc>();
  #timer: NodeJS.Timeout | undefined;

  /** A UC has become idle. */
  note(uc: FunctionUc): void {
    this.#untold.add(uc);
    this.#timer ??= setTimeout(() => this.#tell(), IDLE_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#untold.clear();
  }

  #tell(): void {
    const idle = new Map<Core, number[]>();
    const until = performance.now() - IDLE_MS;
    for (const uc of this.#untold) {
      if (uc.isIdle && uc.idleSinceMs > until) {
        continue;
      }
      this.#untold.delete(uc);
      if (uc.isIdle && !uc.demoted) {
        idle.set(uc.core, [...(idle.get(uc.core) ?? []), uc.id]);
      }
    }
    for (const [core, ids] of idle) {
      core.tender.expectRest(ids);
    }
    this.#timer = this.#untold.size > 0 ? setTimeout(() => this.#tell(), IDLE_MS).unref() : undefined;
  }
}
