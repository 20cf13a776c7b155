import type { Apart } from '../function/charge.ts';
import type { FunctionRecord } from '../function/function-record.ts';
import type { MemoryAccount } from './memory-account.ts';
import type { MemoryBudget } from './memory-budget.ts';

type Room = Pick<MemoryBudget, 'admit' | 'claimMax' | 'roomBeside'>;

/**
 * Who may begin to run, as far as memory goes. The first that has to wait for it (`W` is what
 * waits) is not put off by those that come later: they begin only if it could run beside all of
 * them. So small ones pass a large one, and it still runs as soon as those have ended that were
 * there before.
 */
export class Admission<W> {
  readonly #account: MemoryAccount;
  readonly #room: Room;
  #first: { readonly waiter: W; readonly bytes: number } | undefined;

  constructor(account: MemoryAccount, room: Room) {
    this.#account = account;
    this.#room = room;
  }

  /** The first that waits for memory. */
  get first(): W | undefined {
    return this.#first?.waiter;
  }

  /**
   * Whether a UC of the function may begin to run now, of whose memory `heldBytes` are there already.
   * @param waiter what waits, if it is the first; undefined: it has just come
   */
  admits(record: FunctionRecord, heldBytes: number, waiter: W | undefined): boolean {
    this.#account.claimMax = this.#room.claimMax;
    const bytes = this.#account.claimOf({ record });
    const first = this.#first;
    if (first !== undefined && first.waiter !== waiter && bytes > this.#room.roomBeside(first.bytes)) {
      return false;
    }
    const more = Math.max(0, bytes - heldBytes);
    if ((more > 0 || first !== undefined) && !this.#room.admit(more)) {
      if (first === undefined && waiter !== undefined) {
        this.#first = { waiter, bytes };
        this.#account.setWait(true);
      }
      return false;
    }
    return true;
  }

  /** Sets memory apart for a start that was admitted, until its UC counts. */
  setApart(record: FunctionRecord): Apart {
    return this.#account.setApart(this.#account.claimOf({ record }));
  }

  /** It waits no more. */
  settle(waiter: W): void {
    if (this.#first?.waiter === waiter) {
      this.#first = undefined;
      this.#account.setWait(false);
    }
  }
}
