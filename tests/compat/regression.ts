/**
 * CPython's own test suite (Debian's libpython3.11-testsuite): what passes on Linux must pass in a UC,
 * except for known-failures/*.txt, lists that may only shrink.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runInUc, runNatively } from './execute.ts';
import { here, type Program } from './programs.ts';

const SUITE = '/usr/lib/python3.11/test';
const TIMEOUT_MS = 15 * 60_000;

type Outcomes = ReadonlyMap<string, string>;

/** Modules of the suite by name; a package stands for each of its modules. */
export function suiteModules(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const dir = join(SUITE, name);
    if (!existsSync(dir)) return [name];
    const files = readdirSync(dir).filter((file) => /^test_.*\.py$/.test(file));
    return files.map((file) => `${name}.${file.slice(0, -3)}`).sort();
  });
}

export function suiteIsInstalled(): boolean {
  return existsSync(join(SUITE, 'test_json'));
}

export async function compareModule(name: string, t: TestContext): Promise<void> {
  const program: Program = {
    name,
    argv: ['/usr/bin/python3', '-s', '-B', '{here}/python/outcomes.py', name],
    timeoutMs: TIMEOUT_MS,
  };
  const [native, uc] = await Promise.all([runNatively(program), runInUc(program)]);
  const known = knownFailures(name);
  const expected = parse(native.stdout);
  const actual = parse(uc.stdout);

  const passes = (outcomes: Outcomes, id: string) => outcomes.get(id) === 'ok';
  const onLinux = [...expected.keys()].filter((id) => passes(expected, id));
  const isKnown = (id: string) => known.some((pattern) => pattern.test(id));
  const failed = onLinux
    .filter((id) => !passes(actual, id) && !isKnown(id))
    .map((id) => `${id}: ${actual.get(id) ?? 'no outcome'}`);
  const mended = onLinux.filter((id) => passes(actual, id) && isKnown(id));
  t.diagnostic(`${onLinux.filter((id) => passes(actual, id)).length} of ${onLinux.length} pass`);
  assert.deepEqual(
    failed,
    [],
    `failed in the UC only; status ${uc.status}, stderr:\n${uc.stderr.slice(-6000)}`,
  );
  assert.deepEqual(mended, [], `pass now, so they must go from known-failures/${name}.txt`);
}

/** `ok|skip|fail ID` per line; a test may fail several times (subtests), or fail and then still end well. */
function parse(text: string): Outcomes {
  const outcomes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, outcome, id] = /^(ok|skip|fail) (.+)$/.exec(line) ?? [];
    if (outcome === undefined || id === undefined) continue;
    if (outcomes.get(id) !== 'fail') outcomes.set(id, outcome);
  }
  return outcomes;
}

/** Lines `ID: reason`; * in an id stands for anything, # begins a comment. */
function knownFailures(name: string): readonly RegExp[] {
  const path = join(here, 'known-failures', `${name}.txt`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, id, reason] = /^([\w.*]+): (.+)$/.exec(line) ?? [];
    assert(id !== undefined && reason !== undefined, `${path}: "${line}" has no reason`);
    return new RegExp(`^${id.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  });
}
