import type { FastifyInstance } from 'fastify';
import { LIMIT_RANGES } from '../../catalog/limits.ts';
import { VERSION } from '../../contract/version.ts';
import type { ApiContext } from '../context.ts';

/** What can be asked without a key. */
const PUBLIC = { config: { public: true } } as const;

export function rootRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/ping', PUBLIC, async (_request, reply) => {
    const fault = context.node.fault();
    reply.type('text/plain');
    return fault === undefined ? reply.send('pong') : reply.code(503).send(fault.message);
  });

  app.get('/', PUBLIC, async () => ({
    description: 'OpenWhisk',
    api_paths: ['/api/v1'],
    limits: {
      min_action_duration: LIMIT_RANGES.timeout.min,
      max_action_duration: LIMIT_RANGES.timeout.max,
      min_action_memory: LIMIT_RANGES.memory.min * 1024 * 1024,
      max_action_memory: LIMIT_RANGES.memory.max * 1024 * 1024,
      min_action_logs: LIMIT_RANGES.logs.min * 1024 * 1024,
      max_action_logs: LIMIT_RANGES.logs.max * 1024 * 1024,
    },
    runtimes: runtimesByFamily(context.kinds),
  }));

  app.get('/api/v1', PUBLIC, async () => ({
    description: 'OpenWhisk API',
    api_version: '1.0.0',
    api_version_path: 'v1',
    build: 'seuss',
    buildno: VERSION,
    swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
  }));
}

function runtimesByFamily(kinds: readonly string[]): Record<string, object[]> {
  const families: Record<string, object[]> = {};
  for (const kind of kinds) {
    const family = kind.split(':')[0] as string;
    families[family] ??= [];
    families[family].push({ kind, deprecated: false });
  }
  return families;
}
