/** A thread that reads long texts. */
import { serveJobs } from '../threads/serve-jobs.ts';
import { carryOut, type LongJob } from './long-job.ts';

serveJobs(async (job: LongJob) => ({ result: carryOut(job) }));
