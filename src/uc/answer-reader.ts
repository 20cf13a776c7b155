import { LONG_BYTES, readLongMembers } from '../reading/long-texts.ts';
import { ANSWER_MEMBERS, answerOf, type DriverAnswer, parseAnswer } from './driver-messages.ts';

/**
 * What a driver's line says; undefined for anything that is no message of the protocol.
 * @param isOwn the line's memory is not used again; otherwise it is valid only during the call
 */
export function readAnswer(
  line: Buffer,
  isOwn: boolean,
): DriverAnswer | undefined | Promise<DriverAnswer | undefined> {
  return line.length < LONG_BYTES ? parseAnswer(line) : readLong(isOwn ? line : Buffer.from(line));
}

async function readLong(line: Buffer): Promise<DriverAnswer | undefined> {
  const read = await readLongMembers(line, ANSWER_MEMBERS);
  return read === undefined ? undefined : answerOf(read.text, read.members);
}
