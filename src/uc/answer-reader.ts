import { JsonText } from '../json/json-text.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import { type DriverAnswer, parseAnswer } from './driver-messages.ts';

/** What is longer is read beside the node's thread: a megabyte takes milliseconds, in which nobody else is served. */
const LONG_BYTES = 64 * 1024;
/** Of lines that wait for the thread; what comes beyond it is read at once, so that none has to be refused. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;

/** An answer as it crosses between threads. */
export type PlainAnswer =
  | Exclude<DriverAnswer, { op: 'result' }>
  | (Omit<Extract<DriverAnswer, { op: 'result' }>, 'value'> & { readonly value: string });

/** The lines of all contexts go through one thread, in their order. */
class LongAnswers {
  readonly #thread = new WorkerThread<Uint8Array, PlainAnswer | undefined>({
    entry: new URL('./answer-worker', import.meta.url),
    title: 'the reading of answers',
    queueMax: Number.POSITIVE_INFINITY,
    deadlineMs: 10_000,
    heapMb: 256,
  });
  #waitingBytes = 0;

  /** False for the first in a while, for which the thread would have to be made, and when too much waits. */
  get isReady(): boolean {
    return !this.#thread.wake() && this.#waitingBytes < WAITING_BYTES_MAX;
  }

  async read(line: Buffer): Promise<DriverAnswer | undefined> {
    this.#waitingBytes += line.length;
    try {
      return fromPlain(await this.#thread.run(line));
    } catch {
      // The line is whole, whatever became of the thread.
      return parseAnswer(line);
    } finally {
      this.#waitingBytes -= line.length;
    }
  }
}

const longAnswers = new LongAnswers();

/**
 * What a driver's line says; undefined for anything that is no message of the protocol.
 * @param isOwn the line's memory is not used again; otherwise it is valid only during the call
 */
export function readAnswer(
  line: Buffer,
  isOwn: boolean,
): DriverAnswer | undefined | Promise<DriverAnswer | undefined> {
  if (line.length < LONG_BYTES || !longAnswers.isReady) {
    return parseAnswer(line);
  }
  return longAnswers.read(isOwn ? line : Buffer.from(line));
}

export function toPlain(answer: DriverAnswer | undefined): PlainAnswer | undefined {
  return answer?.op === 'result' ? { ...answer, value: answer.value.text } : answer;
}

function fromPlain(answer: PlainAnswer | undefined): DriverAnswer | undefined {
  return answer?.op === 'result' ? { ...answer, value: JsonText.trusted(answer.value) } : answer;
}
