/** The commands about snapshots, against a node that serves. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import openwhisk from 'openwhisk';
import { age, snapshotTree } from '../../src/cli/snapshot-tables.ts';
import { type Finished, seuss, spawnSeuss } from '../support/seuss.ts';

let server: ChildProcess;
let env: Record<string, string>;
let client: openwhisk.Client;

before(async () => {
  server = spawnSeuss(['serve', '--no-store', '--port', '0', '--json', '--key', 'me:secret']);
  server.stderr?.resume();
  const [line] = (await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line')) as [string];
  const { url, key } = JSON.parse(line);
  env = { SEUSS_APIHOST: url, SEUSS_KEY: key };
  client = openwhisk({ apihost: url, api_key: key });
});
after(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
});

const run = (...args: string[]): Promise<Finished> => seuss(args, { env });

async function json<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await run(...args, '--json');
  assert.equal(status, 0, stderr || stdout);
  return JSON.parse(stdout) as T;
}

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly parent: string | null;
  readonly of: string;
}

describe('a run that is captured from the command line', () => {
  it('is found, captured, looked at, resumed and dropped', { timeout: 60_000 }, async () => {
    const action = `async function main({ rounds }) {
      let sum = 0;
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < 1e5; i++) sum = (sum * 31 + i) % 1000003;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log('at the end');
      return { sum };
    }`;
    await client.actions.create({ name: 'rounds', action, limits: { timeout: 60_000 } });
    const params = { rounds: 350 };
    const { activationId } = await client.actions.invoke({ name: 'rounds', params });
    let phase: string | undefined;
    while (phase !== 'running') {
      const running = await json<{ id: string; of: string; phase: string }[]>('ps');
      assert.deepEqual([running[0]?.id, running[0]?.of], [activationId, 'guest/rounds']);
      phase = running[0]?.phase;
    }
    const table = await run('ps');
    assert.match(table.stdout, new RegExp(`${activationId}.*guest/rounds.*running`));

    const captured = await json<Shown>('capture', activationId);
    assert.deepEqual([captured.kind, captured.of], ['capture', 'guest/rounds']);

    const listed = await run('snapshots');
    for (const text of [captured.id, 'nodejs:24', 'python:3.11', 'own KiB', 'shared pages', 'age']) {
      assert.ok(listed.stdout.includes(text), text);
    }
    const tree = await run('snapshots', '--tree');
    assert.match(tree.stdout, /^[0-9a-f]{16} {2}runtime nodejs:24/m);
    assert.match(tree.stdout, new RegExp(`^[│├└─ ]+${captured.id} {2}capture guest/rounds`, 'm'));

    const inspected = await run('snapshot', 'inspect', captured.id);
    assert.match(inspected.stdout, /^at +[0-9a-f]+ {2}\S+/m);
    assert.match(inspected.stdout, /rip [0-9a-f]{16}/);
    assert.match(inspected.stdout, /r-x +\d+ KiB {2}\/usr\/bin\/node/);
    assert.equal((await json<Shown>('snapshot', 'inspect', captured.id)).parent, captured.parent);

    const diff = await run('snapshot', 'diff', captured.parent as string, captured.id);
    assert.match(diff.stdout, /\d+ pages {2}other bytes/);

    const resumed = await run('snapshot', 'resume', captured.id);
    assert.deepEqual([resumed.status, /at the end/.test(resumed.stderr)], [0, true], resumed.stderr);
    const answer = await json<{ activationId: string; response: { result: object }; annotations: object[] }>(
      'snapshot',
      'resume',
      captured.id,
    );
    assert.deepEqual(answer.response.result, JSON.parse(resumed.stdout));
    assert.ok(JSON.stringify(answer.annotations).includes(`"resumedFrom":"${captured.id}"`));
    assert.equal(
      (await client.activations.get({ name: answer.activationId })).activationId,
      answer.activationId,
    );

    assert.match((await run('snapshot', 'rm', captured.id)).stdout, /is dropped/);
    assert.equal((await run('snapshot', 'inspect', captured.id)).status, 2);
    const late = await run('capture', activationId);
    assert.deepEqual([late.status, /ended|running/.test(late.stderr)], [2, true], late.stderr);
  });
});

describe('what goes wrong', () => {
  it('is told with a remedy and a status', async () => {
    for (const [id, text] of [
      ['x y', /16 hexadecimal/],
      ['../../api/v1', /encoded slash/],
    ] as const) {
      const malformed = await run('snapshot', 'inspect', id);
      assert.deepEqual([malformed.status, text.test(malformed.stderr)], [2, true], malformed.stderr);
    }
    const unknown = await run('snapshot', 'rm', '0'.repeat(16));
    assert.equal(unknown.status, 2);
    const denied = await run('snapshots', '--auth', 'me:wrong');
    assert.deepEqual([denied.status, /authentication is invalid/.test(denied.stderr)], [2, true]);
    const nobody = await run('snapshots', '--apihost', '127.0.0.1:1', '--json');
    assert.deepEqual([nobody.status, JSON.parse(nobody.stdout).error.code], [3, 'unreachable']);
    assert.equal((await run('snapshots', '--apihost', 'ftp://x')).status, 2);
  });
});

describe('the tree of snapshots', () => {
  const sizes = {
    ownBytes: 2048,
    ownPages: 1,
    sharedPages: 0,
    maps: 1,
    stored: false,
    deploys: 1,
    createdMs: 0,
  };
  const node = (id: string, parent: string | null) => ({ id, parent, kind: 'k', of: 'f', ...sizes });

  it('has each below its parent, and those without one at the top', () => {
    const text = snapshotTree(
      [node('root', null), node('a', 'root'), node('aa', 'a'), node('b', 'root'), node('lost', 'gone')],
      5000,
    );
    assert.deepEqual(
      text.split('\n').map((line) => line.split('  k')[0]),
      ['root', '├─ a', '│  └─ aa', '└─ b', 'lost'],
    );
    assert.match(text, /2 KiB, 1 deploy, 5 s$/m);
  });

  it('tells ages as people do', () => {
    const ages = [0, 999, 1000, 61_000, 7_200_000, 200_000_000].map(age);
    assert.deepEqual(ages, ['0 ms', '999 ms', '1 s', '1 min', '2 h', '2 d']);
  });
});
