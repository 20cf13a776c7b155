import { serveJobs } from '../threads/serve-jobs.ts';
import {
  type DiffDescribed,
  type DiffRequest,
  describeDiff,
  describeMaps,
  type MapsDescribed,
  type MapsRequest,
} from './inspection.ts';

serveJobs(async (request: MapsRequest | DiffRequest): Promise<{ result: MapsDescribed | DiffDescribed }> => {
  return { result: request.type === 'maps' ? describeMaps(request) : describeDiff(request) };
});
