import type { FastifyInstance } from 'fastify';
import { LIMIT_RANGES } from '../../catalog/limits.ts';
import { identify, subjectOf } from '../context.ts';

export function namespaceRoutes(app: FastifyInstance): void {
  app.get('/api/v1/namespaces', async (request) => {
    return [subjectOf(request).namespace];
  });

  app.get('/api/v1/namespaces/:namespace/limits', async (request) => {
    identify(request);
    return {
      minActionTimeout: LIMIT_RANGES.timeout.min,
      maxActionTimeout: LIMIT_RANGES.timeout.max,
      minActionMemory: LIMIT_RANGES.memory.min,
      maxActionMemory: LIMIT_RANGES.memory.max,
      minActionLogs: LIMIT_RANGES.logs.min,
      maxActionLogs: LIMIT_RANGES.logs.max,
    };
  });
}
