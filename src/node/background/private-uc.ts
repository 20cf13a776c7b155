import type { Action, ObjectArguments } from '../../contract/action.ts';
import { PlatformError } from '../../contract/errors.ts';
import type { Core } from '../../cores/cores.ts';
import { type Snapshot, SnapshotHold } from '../../snapshot/snapshot.ts';
import type { Captured } from '../../tender/replies.ts';
import { collectMessage, type DriverAnswer, examineMessage, runMessage } from '../../uc/driver-messages.ts';
import { exchange, type Reply } from '../../uc/exchange.ts';
import { LogCollector } from '../../uc/log-collector.ts';
import { argumentsText } from '../function/arguments.ts';
import { type FunctionRecord, FunctionUc } from '../function/function-record.ts';
import { nextSeed } from '../function/seed.ts';
import { maxLineBytes } from '../invoke/outcome.ts';
import type { NodeParts } from '../invoke/parts.ts';
import type { Place } from '../invoke/place.ts';

/** What a driver may take to answer the node's own questions, and how much it may say. */
const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_LINE_BYTES = 16 * 1024;
const LOG_BYTES = 4096;

type UcParts = Pick<NodeParts, 'account' | 'cores' | 'places' | 'snapshots' | 'owner'>;

/**
 * A UC that serves no client: the node runs it for its own ends, counts it as busy, and kills it
 * afterwards.
 */
export class PrivateUc implements AsyncDisposable {
  readonly #place: Place;
  readonly #action: Action;
  readonly #uc: FunctionUc;
  #runs = 0;

  /** @throws PlatformError when the snapshot cannot be deployed */
  static async deploy(
    node: UcParts,
    record: FunctionRecord,
    action: Action,
    snapshot: Snapshot,
    core: Core,
  ): Promise<PrivateUc> {
    const uc = new FunctionUc(node.cores.nextUc(), core, node.owner, record);
    uc.origin = snapshot;
    node.account.update(uc);
    const place = node.places.take(core);
    place.uc = uc;
    const hold = new SnapshotHold(snapshot);
    try {
      await core.tender.deploy(uc.id, uc, snapshot.number, action.limits.memoryBytes);
      snapshot.deploys += 1;
      return new PrivateUc(place, action, uc);
    } catch (error) {
      uc.fail(error);
      place.giveBack();
      throw error;
    } finally {
      hold[Symbol.dispose]();
      node.snapshots.settle(snapshot);
    }
  }

  private constructor(place: Place, action: Action, uc: FunctionUc) {
    this.#place = place;
    this.#action = action;
    this.#uc = uc;
  }

  /**
   * Runs the function; the milliseconds that it took.
   * @throws PlatformError `warmup_failed` when it does not succeed
   */
  async run(args: ObjectArguments): Promise<number> {
    const begun = performance.now();
    await this.answer(argumentsText(args).text, this.#action.limits.timeoutMs);
    return performance.now() - begun;
  }

  /**
   * Runs the function with these arguments; its result, both as JSON.
   * @throws PlatformError as `run`
   */
  async answer(args: string, timeoutMs: number): Promise<string> {
    const { limits } = this.#action;
    const id = ++this.#runs;
    const message = runMessage(id, args, '{}', id === 1 ? nextSeed() : undefined);
    const reply = await exchange(this.#uc, message, {
      timeoutMs: Math.min(timeoutMs, limits.timeoutMs),
      maxLineBytes: maxLineBytes(limits),
      logs: new LogCollector(LOG_BYTES),
    });
    const answer = reply.type === 'answer' ? reply.answer : undefined;
    const succeeded = answer?.op === 'result' && answer.id === id && answer.status === 'ok';
    if (!succeeded || (id === 1 && !answer.seeded)) {
      throw new PlatformError('warmup_failed', `a warmup run of ${this.#action.name} did not succeed`);
    }
    return answer.value.text;
  }

  /** @throws PlatformError */
  async capture(number: number): Promise<Captured & { readonly drawn: boolean }> {
    const drawn = await collect(this.#uc);
    return { ...(await this.#uc.tender.capture(this.#uc.id, number, true)), drawn };
  }

  /**
   * What the function keeps of random values that it has drawn, each a kind, a colon, and a name.
   * It has not run here.
   * @throws PlatformError `examine_failed`
   */
  async examine(): Promise<readonly string[]> {
    const answer = await askDriver(this.#uc, examineMessage(nextSeed()));
    if (answer?.op !== 'examined' || !answer.seeded) {
      throw new PlatformError('examine_failed', `a clone of ${this.#uc.record.name} could not be examined`);
    }
    return answer.shared;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#place.giveBack();
  }
}

/**
 * Readies a parked UC for a capture. Where it fails the UC is of no more use. True if the function
 * has drawn random values: a clone of the capture has to be examined.
 * @throws PlatformError `collect_failed`
 */
export async function collect(uc: FunctionUc): Promise<boolean> {
  const answer = await askDriver(uc, collectMessage(undefined));
  if (answer?.op !== 'collected') {
    throw new PlatformError('collect_failed', `${uc.record.name} could not be readied for a capture`);
  }
  return answer.drawn;
}

async function askDriver(uc: FunctionUc, message: string): Promise<DriverAnswer | undefined> {
  const reply: Reply = await exchange(uc, message, {
    timeoutMs: ANSWER_TIMEOUT_MS,
    maxLineBytes: ANSWER_LINE_BYTES,
    logs: new LogCollector(LOG_BYTES),
  });
  return reply.type === 'answer' ? reply.answer : undefined;
}
