/** Hosts that grant little: a start works, or says in a line why not, and in another what to do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { packageDir } from '../../src/contract/paths.ts';
import { storeFolder } from '../support/stores.ts';

const MAIN = join(packageDir, 'src/cli/main.ts');

/** What a command says when it is started by others, like `prlimit`. */
async function started(by: readonly string[], args: readonly string[]) {
  const [command, ...before] = [...by, process.execPath, MAIN, ...args] as [string, ...string[]];
  const child = spawn(command, before, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}

function echo(t: TestContext): string {
  const path = join(storeFolder(t), 'echo.py');
  writeFileSync(path, 'def main(args):\n    return args');
  return path;
}

/** The command has no right to raise a limit, whoever runs the tests. */
const WITHOUT_RAISE =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource', '--']
    : [];

describe('a host that grants few descriptors', () => {
  it('is told of what lacks, and how to get it, when those are too few', async (t) => {
    const by = ['prlimit', '--nofile=64:64', ...WITHOUT_RAISE];
    const { status, stdout, stderr } = await started(by, ['invoke', echo(t), '-p', 'a', '1']);
    assert.equal(status, 3, stderr);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^seuss: This process and its children may open 64 files each; 128 are needed.*\n +/,
    );
    assert.match(stderr, /^.*\n +ulimit -Hn 65536 as root, or LimitNOFILE=.*\n$/);
  });

  it('serves with fewer than it could use', async (t) => {
    const by = ['prlimit', '--nofile=160:160', ...WITHOUT_RAISE];
    const { status, stdout, stderr } = await started(by, ['invoke', echo(t), '-p', 'a', '1']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { a: 1 });
  });
});

describe('a host that does not show /proc/sys', () => {
  it('runs functions all the same', async (t) => {
    const hide = [
      'unshare',
      '--mount',
      '--map-root-user',
      'sh',
      '-c',
      'mount -t tmpfs none /proc/sys && exec "$@"',
      'sh',
    ];
    const { status: can } = await startedRaw([...hide, 'true']);
    if (can !== 0) {
      t.skip('this host lets no mount namespace be made');
      return;
    }
    const { status, stdout, stderr } = await started(hide, ['invoke', echo(t), '-p', 'a', '1']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { a: 1 });
    assert.doesNotMatch(stderr, /Error|at .*\.ts/);
  });
});

async function startedRaw([command, ...args]: readonly string[]): Promise<{ status: number | null }> {
  const child = spawn(command as string, args, { stdio: 'ignore' });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status };
}
