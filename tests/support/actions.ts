import { createHash } from 'node:crypto';
import { type Action, type ActionLimits, DEFAULT_LIMITS, DEFAULT_POLICY } from '../../src/node/types.ts';

export const NODEJS = 'nodejs:24';
export const PYTHON = 'python:3.11';

let last = 0;

/** An action of one source file; each call makes a function of its own. */
export function sourceAction(kind: string, source: string, more: Partial<Action> = {}): Action {
  last += 1;
  const name = `guest/test-${last}`;
  const filename = kind.startsWith('python') ? '__main__.py' : 'index.js';
  return {
    name,
    version: '0.0.1',
    kind,
    main: 'main',
    code: { type: 'source', source, filename },
    env: {},
    limits: DEFAULT_LIMITS,
    policy: DEFAULT_POLICY,
    digest: createHash('sha256').update(`${name} ${process.pid}`).digest('hex'),
    ...more,
  };
}

export function limits(more: Partial<ActionLimits>): ActionLimits {
  return { ...DEFAULT_LIMITS, ...more };
}
