import { JsonText } from '../json/json-text.ts';
import { JsonError } from '../json/scanner.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import { carryOut, type FoundMember, type LongJob, type LongResult } from './long-job.ts';

/**
 * What is longer is read beside the node's thread: a megabyte takes milliseconds, in which nobody
 * else is served.
 */
export const LONG_BYTES = 64 * 1024;
/**
 * Of texts that wait for the thread; what comes beyond it is read at once, so that none has to be
 * refused.
 */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;

const thread = new WorkerThread<LongJob, LongResult>({
  entry: new URL('./long-worker', import.meta.url),
  title: 'the reading of long texts',
  queueMax: Number.POSITIVE_INFINITY,
  deadlineMs: 10_000,
  heapMb: 256,
});
let waitingBytes = 0;

/**
 * A long text that comes from outside.
 * @param bytes of UTF-8, whose memory is not used again
 * @throws JsonError
 */
export async function readLongValue(bytes: Buffer): Promise<JsonText> {
  const result = await read({ bytes });
  if (result.type === 'value') return JsonText.trusted(result.text, result.utf8Bytes);
  throw new JsonError(result.type === 'refused' ? result.message : 'it was read as an object');
}

/**
 * Those members of the object that a long text is; undefined when it is none.
 * @param bytes as for `readLongValue`
 */
export async function readLongMembers(
  bytes: Buffer,
  keys: readonly string[],
): Promise<{ readonly text: string; readonly members: readonly FoundMember[] } | undefined> {
  const result = await read({ bytes, keys });
  return result.type === 'members' ? result : undefined;
}

async function read(job: LongJob): Promise<LongResult> {
  // The first in a while is read here: the thread takes longer to begin.
  if (thread.wake() || waitingBytes > WAITING_BYTES_MAX) return carryOut(job);
  const { length } = job.bytes;
  waitingBytes += length;
  try {
    return await thread.run(job);
  } catch {
    // The text is whole, whatever became of the thread.
    return carryOut(job);
  } finally {
    waitingBytes -= length;
  }
}
