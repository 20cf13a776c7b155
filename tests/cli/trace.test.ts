import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import openwhisk from 'openwhisk';
import { seuss, spawnSeuss } from '../support/seuss.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-trace-'));
});
after(() => rm(dir, { recursive: true }));

/** Opens a file with this mode, then makes many calls. */
const NODEJS = `const fs = require('node:fs');
function main({ calls = 0 }) {
  fs.closeSync(fs.openSync('/tmp/x', fs.constants.O_CREAT | fs.constants.O_RDWR, 0o641));
  for (let i = 0; i < calls; i++) fs.accessSync('/tmp/x');
  return {};
}`;
const PYTHON = `import os
def main(args):
    os.close(os.open('/tmp/x', os.O_CREAT | os.O_RDWR, 0o641))
    return {}`;
const OPENAT = /^\[\d+\] openat\(0xffffff9c, 0x[\da-f]+, 0x80042, 0x1a1, .*\) = \d+$/;

const ACTIONS = {
  javascript: { kind: 'nodejs:24', action: NODEJS },
  python: { kind: 'python:3.11', action: PYTHON },
  other: { kind: 'nodejs:24', action: NODEJS },
};
type Name = keyof typeof ACTIONS;

interface Served {
  readonly stderr: string;
  /** Of the activations of each action, in their order. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
}

/** Serves actions, invokes each twice, and ends. */
async function serve(options: readonly string[], names: readonly Name[], calls = 0): Promise<Served> {
  const child = spawnSeuss([
    ...['serve', '--no-store', '--port', '0', '--json', '--cores', '1', '--without', 'ao'],
    ...options,
  ]);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ids: Record<string, string[]> = {};
  try {
    const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
    const { url, key } = JSON.parse(line);
    const client = openwhisk({ apihost: url, api_key: key });
    for (const name of names) {
      const { kind, action } = ACTIONS[name];
      await client.actions.create({ name, kind, action });
      for (let run = 0; run < 2; run++) {
        const { activationId } = await client.actions.invoke({ name, blocking: true, params: { calls } });
        ids[name] = [...(ids[name] ?? []), activationId];
      }
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  return { stderr, ids };
}

/** What is told of an activation, without its id. */
function told(text: string, id: string | undefined): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`${id} `));
  return lines.map((line) => line.slice(33));
}

describe('seuss serve --trace', () => {
  it('prints the system calls of the actions that it names, each with its activation', async () => {
    const options = ['--trace', 'javascript', '--trace', '/guest/python'];
    const { stderr, ids } = await serve(options, ['javascript', 'python', 'other']);
    for (const name of ['javascript', 'python']) {
      for (const id of ids[name] ?? []) {
        const calls = told(stderr, id).filter((line) => OPENAT.test(line));
        assert.equal(calls.length, 1, `${name}: ${stderr}`);
      }
    }
    for (const id of ids.other ?? []) assert.deepEqual(told(stderr, id), []);
    assert.match(stderr, /"action":"guest\/python".*no such action yet/);
  });

  it('prints to the end of a file, so much of each activation', async () => {
    const file = join(dir, 'calls.txt');
    const options = ['--trace', 'guest/javascript', '--trace-file', file, '--trace-size', '8K'];
    const { stderr, ids } = await serve(options, ['javascript'], 500);
    const text = await readFile(file, 'utf8');
    const [cold, hot] = ids.javascript ?? [];
    for (const id of [cold, hot]) {
      const lines = told(text, id);
      assert.equal(lines.at(-1), 'the trace ends here: 8192 bytes are the limit of an activation');
      assert.ok(lines.join('\n').length < 8192 + 100);
    }
    assert.ok(told(text, hot).some((line) => OPENAT.test(line)));
    assert.doesNotMatch(stderr, /openat/);
  });

  it('says what is wrong with its words', async () => {
    for (const [options, message] of [
      [['--trace', 'guest/a/b'], /takes NAMESPACE\/NAME or NAME/],
      [['--trace-file', 'x'], /need --trace/],
      [['--trace', 'a', '--trace-file', dir], /--trace-file names .*: EISDIR/],
    ] as const) {
      const { status, stderr } = await seuss(['serve', '--no-store', '--port', '0', ...options]);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    }
  });
});
