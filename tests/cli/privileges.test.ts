/** As whom contexts run, and what is said of it. Of use to root alone, with setpriv(1). */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingCapabilities } from '../../src/tender/uc-user.ts';
import { descendants } from '../support/processes.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const skip = process.geteuid?.() !== 0 || spawnSync('setpriv', ['--version']).status !== 0;

/** Starts the command line as root without one capability. */
function seussWithout(capability: string, args: readonly string[]) {
  const words = [`--bounding-set=-${capability}`, process.execPath, MAIN, ...args];
  return spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function fieldOf(pid: number, file: string, pattern: RegExp): string | undefined {
  try {
    return pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1];
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** Processes below one that have a user of their own. */
function confined(pid: number): number[] {
  return descendants(pid).filter((each) => Number(fieldOf(each, 'status', /^Uid:\t(\d+)/m)) >= 0x5e550000);
}

interface Check {
  readonly title: string;
  readonly status: string;
  readonly found: string;
  readonly remedy?: string;
}

async function userCheck(capability: string): Promise<Check | undefined> {
  const { checks } = JSON.parse(await text(seussWithout(capability, ['doctor', '--json']).stdout));
  return (checks as Check[]).find(({ title }) => title === 'user of contexts');
}

describe('root without a capability', { skip }, () => {
  it('gives contexts a user of their own and their limits, CAP_SYS_RESOURCE or not', async () => {
    const script = 'print("up", flush=True); import time; time.sleep(60)';
    for (const capability of ['sys_resource', 'sys_time']) {
      const child = seussWithout(capability, [
        'run',
        '--memory',
        '1G',
        '--',
        '/usr/bin/python3',
        '-c',
        script,
      ]);
      try {
        await once(child.stdout, 'data');
        const limits = confined(child.pid as number).map((pid) =>
          fieldOf(pid, 'limits', /^Max data size +(\S+)/m),
        );
        assert.ok(limits.includes(String(18 * 2 ** 30)), `${capability}: ${limits}`);
      } finally {
        child.kill('SIGKILL');
      }
      assert.equal((await userCheck(capability))?.status, 'ok');
    }
  });

  it('says so where contexts run as root', async () => {
    const child = seussWithout('sys_ptrace', ['run', '--', '/bin/true']);
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /warning: contexts run as root \(CAP_SYS_PTRACE missing\)/);
    const check = await userCheck('sys_ptrace');
    assert.equal(check?.status, 'warning');
    assert.match(String(check?.remedy), /ordinary user.*CAP_SYS_PTRACE/);
  });
});

describe('capabilities that are missing', () => {
  it('are read off the status of a process', () => {
    assert.deepEqual(missingCapabilities('Name:\tx\nCapEff:\t000001ffffffffff\n'), []);
    assert.deepEqual(missingCapabilities('CapEff:\t0000000000080000\n'), [
      'CAP_KILL',
      'CAP_SETGID',
      'CAP_SETUID',
      'CAP_SYS_ADMIN',
    ]);
    assert.equal(missingCapabilities('').length, 5);
  });
});
