import { createHash } from 'node:crypto';
import { type Action, type ActionLimits, DEFAULT_LIMITS, DEFAULT_POLICY } from '../../src/contract/action.ts';

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

/**
 * The same function for the same number in every process: it answers `{n}`, out of a table that it
 * makes when it is loaded.
 */
export function numberedAction(n: number): Action {
  const name = `guest/numbered-${n}`;
  const table = `{str(i): i * ${n} for i in range(2000)}`;
  const source = `table = ${table}\ndef main(args):\n    return {'n': table['1']}`;
  return sourceAction(PYTHON, source, {
    name,
    digest: createHash('sha256').update(name).digest('hex'),
  });
}
