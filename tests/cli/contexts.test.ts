import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import openwhisk from 'openwhisk';
import { seuss, spawnSeuss } from '../support/seuss.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-cli-'));
});
after(() => rm(dir, { recursive: true }));

describe('seuss invoke', () => {
  it('prints the result on stdout, and logs on stderr', async () => {
    const path = join(dir, 'hello.js');
    await writeFile(path, 'exports.main = ({ name }) => { console.log("a log"); return { hello: name } }');
    const { status, stdout, stderr } = await seuss(['invoke', path, '-p', 'name', 'Ada']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { hello: 'Ada' });
    assert.match(stderr, /^a log$/m);
    assert.match(stderr, /cold \d/);
  });

  it('prints one JSON text for each run with --json', async () => {
    const path = join(dir, 'count.py');
    await writeFile(path, 'n = 0\ndef main(args):\n  global n\n  n += 1\n  return {"n": n}\n');
    const { status, stdout, stderr } = await seuss(['invoke', path, '--repeat', '3', '--json']);
    assert.equal(status, 0, stderr);
    const runs = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(runs.length, 3);
    assert.equal(runs[0].path, 'cold');
    assert.equal(runs[2].path, 'hot');
    assert.equal(runs[0].status, 'success');
    assert.ok(runs[0].timings.totalMs > 0);
    assert.deepEqual(runs[0].logs, []);
  });

  it('keeps each digit, from the command line to what it prints', async () => {
    const path = join(dir, 'echo.py');
    await writeFile(path, 'def main(args):\n  return {"same": args, "huge": 10**400, "whole": 1.0}\n');
    const huge = `1${'0'.repeat(400)}`;
    const params = ['--params', '{"n": 1, "list": [10.0, -0.0]}', '-p', 'n', '9007199254740993'];
    const human = await seuss(['invoke', path, ...params]);
    const lines = [
      '{',
      '  "same": {',
      '    "n": 9007199254740993,',
      '    "list": [',
      '      10.0,',
      '      -0.0',
      '    ]',
      '  },',
      `  "huge": ${huge},`,
      '  "whole": 1.0',
      '}\n',
    ];
    assert.equal(human.stdout, lines.join('\n'), human.stderr);
    const machine = await seuss(['invoke', path, ...params, '--json']);
    const result = `{"same":{"n":9007199254740993,"list":[10.0,-0.0]},"huge":${huge},"whole":1.0}`;
    assert.ok(machine.stdout.startsWith(`{"result":${result},"status":"success"`), machine.stdout);
  });

  it('has status 1 when the function fails', async () => {
    const path = join(dir, 'throws.js');
    await writeFile(path, 'exports.main = () => { throw new Error("oops") }');
    const { status, stdout } = await seuss(['invoke', path, '--json']);
    assert.equal(status, 1);
    assert.equal(JSON.parse(stdout).status, 'action developer error');
  });
});

describe('seuss interrupted with Ctrl-C', () => {
  it('ends a function that would run for ever, with status 130', async () => {
    const path = join(dir, 'loops.js');
    await writeFile(path, 'exports.main = () => { for (;;); }');
    const child = spawnSeuss(['invoke', path]);
    await once(child.stderr as NodeJS.ReadableStream, 'data');
    await setTimeout(1000);
    const family = descendants(child.pid as number);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [130, null]);
    assert.deepEqual(family.filter(isAlive), []);
  });
});

describe('seuss run', () => {
  it('connects stdin, stdout, stderr and the exit status', async () => {
    const script =
      'import sys; print(sys.stdin.read().upper(), end=""); print("err", file=sys.stderr); sys.exit(7)';
    const { status, stdout, stderr } = await seuss(['run', '--', '/usr/bin/python3', '-c', script], {
      input: 'abc\n',
    });
    assert.equal(stdout, 'ABC\n');
    assert.match(stderr, /^err$/m);
    assert.equal(status, 7);
  });

  it('has status 128+N when a signal kills the program', async () => {
    const script = 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)';
    assert.equal((await seuss(['run', '--', '/usr/bin/python3', '-c', script])).status, 137);
  });

  it('passes on environment, working directory and mounts', async () => {
    await writeFile(join(dir, 'data.txt'), 'mounted');
    const script = 'import os; print(os.environ["A"], os.getcwd(), open("/data/data.txt").read())';
    const args = ['run', '--env', 'A=1', '--cwd', '/usr', '--mount', `${dir}:/data`, '--'];
    const { stdout, stderr } = await seuss([...args, '/usr/bin/python3', '-c', script]);
    assert.equal(stdout, '1 /usr mounted\n', stderr);
  });

  it('shows the host its files read-only, with a /tmp of the guest', async () => {
    const script = [
      'import os',
      'open("/tmp/x", "w").write("own")',
      'print(open("/tmp/x").read())',
      'try: open("/etc/seuss-test", "w")',
      'except OSError as e: print(e.errno)',
    ].join('\n');
    const { stdout, stderr } = await seuss(['run', '--', '/usr/bin/python3', '-c', script]);
    assert.equal(stdout, 'own\n30\n', stderr);
  });

  it('forwards SIGTERM', async () => {
    const script =
      'import signal, sys, time\nsignal.signal(15, lambda *a: sys.exit(5))\nprint("up", flush=True)\n' +
      'time.sleep(60)';
    const child = spawnSeuss(['run', '--', '/usr/bin/python3', '-c', script]);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [5, null]);
  });

  it('ends when nobody reads its output any more', async () => {
    const child = spawnSeuss(['run', '--', 'yes']);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.stdout?.destroy();
    assert.deepEqual(await once(child, 'exit'), [141, null]);
  });

  it('carries any bytes in and out', async () => {
    const input = randomBytes(3_000_000);
    const { stdout } = await seuss(['run', '--', 'sha256sum'], { input });
    assert.equal(stdout.split(' ')[0], createHash('sha256').update(input).digest('hex'));
  });

  it('lists system calls with --trace', async () => {
    const { stderr } = await seuss(['run', '--trace', '--', '/bin/true']);
    assert.match(stderr, /execve|mmap|exit_group/);
  });
});

describe('seuss serve', () => {
  it("serves OpenWhisk's client with real functions, and ends on SIGTERM", async () => {
    const child = spawnSeuss(['serve', '--no-store', '--port', '0', '--json']);
    child.stderr?.resume();
    const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
    const { url, key } = JSON.parse(line);
    const client = openwhisk({ apihost: url, api_key: key });
    await client.actions.create({ name: 'hello', action: 'function main(p) { return { hello: p.name } }' });
    const params = { name: 'Ada' };
    const result = await client.actions.invoke({ name: 'hello', blocking: true, result: true, params });
    assert.deepEqual(result, { hello: 'Ada' });
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});

describe('seuss killed with SIGKILL', () => {
  it('leaves no process behind', async () => {
    const child = spawnSeuss(['serve', '--no-store', '--port', '0', '--json']);
    child.stderr?.resume();
    await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line');
    const family = descendants(child.pid as number);
    assert.ok(family.length > 1, 'tenders and contexts run');
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let tries = 0; tries < 50 && family.some(isAlive); tries++) await setTimeout(100);
    assert.deepEqual(family.filter(isAlive), []);
  });
});

/** All processes below one, by the kernel's own lists. */
function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('seuss demo', () => {
  it('runs all examples by all three paths', async () => {
    const { status, stdout, stderr } = await seuss(['demo', '--once', '--json']);
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { rows } = JSON.parse(stdout);
    assert.ok(rows.length >= 8);
    for (const { example, starts } of rows) {
      // It calls checkpoint(), where the third invocation starts.
      const third = example.name === 'python-spelling' ? 'argument' : 'hot';
      assert.deepEqual(
        [starts.cold.path, starts.warm.path, starts.hot.path],
        ['cold', 'warm', third],
        example.name,
      );
    }
  });
});
