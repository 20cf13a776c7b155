import { serveJobs } from '../threads/serve-jobs.ts';
import { type PackingRequest, type PackingResult, pack } from './packing.ts';

serveJobs(async (request: PackingRequest) => {
  const result: PackingResult = await pack(request);
  return { result, transfer: typeof result.code === 'object' ? [result.code.buffer as ArrayBuffer] : [] };
});
