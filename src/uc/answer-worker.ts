/** A thread that reads long answers. */
import { serveJobs } from '../threads/serve-jobs.ts';
import { type PlainAnswer, toPlain } from './answer-reader.ts';
import { parseAnswer } from './driver-messages.ts';

serveJobs(async (line: Uint8Array): Promise<{ result: PlainAnswer | undefined }> => {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  return { result: toPlain(parseAnswer(bytes)) };
});
