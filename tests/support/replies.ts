import { parseAnswer } from '../../src/uc/driver-messages.ts';
import type { Reply } from '../../src/uc/exchange.ts';

/** What an exchange makes of a driver's line. */
export function replyOf(line: Buffer | string): Reply {
  const bytes = Buffer.from(line);
  return { type: 'answer', answer: parseAnswer(bytes), bytes: bytes.length };
}
