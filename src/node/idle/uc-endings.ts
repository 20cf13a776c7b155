import type { FunctionUc } from '../function/function-record.ts';
import type { MemoryAccount } from './memory-account.ts';

/** UCs on their way out. Until one has gone it counts, for its core and for the memory that it has. */
export class UcEndings {
  /** Killed, and not gone yet. */
  readonly pending = new Map<FunctionUc, Promise<void>>();
  readonly #account: MemoryAccount;

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  /** Does not wait for it. */
  dispose(uc: FunctionUc): void {
    this.end(uc).catch(() => undefined);
  }

  /** Resolves when the UC has gone, or its tender. */
  async end(uc: FunctionUc): Promise<void> {
    if (uc.end !== undefined && uc.end.type !== 'lost') {
      return;
    }
    const ended = this.pending.get(uc) ?? this.#killed(uc);
    this.pending.set(uc, ended);
    await ended;
  }

  /** Memory is short: its invocation fails for that, and disposes of it. */
  failForMemory(uc: FunctionUc): void {
    uc.ending = true;
    this.#account.update(uc);
    uc.tender.killForMemory(uc.id).catch(() => undefined);
  }

  async #killed(uc: FunctionUc): Promise<void> {
    uc.core.ending += 1;
    uc.ending = true;
    this.#account.update(uc);
    try {
      await uc.kill().catch(() => undefined);
    } finally {
      this.pending.delete(uc);
      uc.core.ending -= 1;
    }
  }
}

/** Of idle UCs, which count no more. */
export async function killAll(ucs: readonly FunctionUc[]): Promise<void> {
  await Promise.all(ucs.map((uc) => uc.kill()));
}
