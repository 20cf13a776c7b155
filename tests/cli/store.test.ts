/** A server that is stopped, or killed, and started again. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import openwhisk, { type Client } from 'openwhisk';
import { seuss, spawnSeuss } from '../support/seuss.ts';
import { storeFolder, strayFiles } from '../support/stores.ts';

interface Server {
  readonly child: ChildProcess;
  readonly client: Client;
  /** Lines of its stderr so far. */
  readonly said: readonly string[];
}

async function serve(t: TestContext, dir: string): Promise<Server> {
  const child = spawnSeuss(['serve', '--port', '0', '--json', '--store', dir]);
  t.after(() => child.kill('SIGKILL'));
  const said: string[] = [];
  createInterface(child.stderr as NodeJS.ReadableStream).on('line', (line) => said.push(line));
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
  const { url, key } = JSON.parse(line);
  return { child, client: openwhisk({ apihost: url, api_key: key }), said };
}

async function stop({ child }: Server): Promise<void> {
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
}

const invoke = (client: Client, name: string) =>
  client.actions.invoke({ name, blocking: true, params: { n: 1 } });

function pathOf(activation: Awaited<ReturnType<typeof invoke>>): unknown {
  const { annotations } = activation as unknown as {
    annotations: { key: string; value: { path?: string } }[];
  };
  return annotations.find(({ key }) => key === 'seuss')?.value.path;
}

describe('seuss serve --store', () => {
  it('has its actions again, and starts them warm without a boot', async (t) => {
    const dir = storeFolder(t);
    const first = await serve(t, dir);
    await first.client.actions.create({
      name: 'kept',
      action: 'function main({ n }) { return { n: n + 1 } }',
    });
    await first.client.actions.create({ name: 'gone', action: 'function main() { return {} }' });
    assert.equal(pathOf(await invoke(first.client, 'kept')), 'cold');
    await invoke(first.client, 'gone');
    await first.client.actions.delete({ name: 'gone' });
    await stop(first);
    const second = await serve(t, dir);
    assert.deepEqual(
      (await second.client.actions.list()).map(({ name }) => name),
      ['kept'],
    );
    const activation = await invoke(second.client, 'kept');
    assert.equal(pathOf(activation), 'warm');
    assert.deepEqual(activation.response?.result, { n: 2 });
    assert.equal(
      second.said.some((line) => line.startsWith('Booting')),
      false,
      second.said.join('\n'),
    );
    await stop(second);
    assert.deepEqual(strayFiles(dir), []);
  });

  it('has every action that it said it has, also after a SIGKILL', async (t) => {
    const dir = storeFolder(t);
    const first = await serve(t, dir);
    const names = Array.from({ length: 20 }, (_, i) => `f${i}`);
    await Promise.all(
      names.map((name) => first.client.actions.create({ name, action: 'function main() {}' })),
    );
    first.child.kill('SIGKILL');
    const second = await serve(t, dir);
    const known = (await second.client.actions.list({ limit: 200 })).map(({ name }) => name);
    assert.deepEqual(known.sort(), names.sort());
    await stop(second);
  });

  it('is refused while another one uses the folder, which is named with its process', async (t) => {
    const dir = storeFolder(t);
    const first = await serve(t, dir);
    const { status, stdout } = await seuss(['serve', '--port', '0', '--json', '--store', dir]);
    assert.equal(status, 3);
    const { error } = JSON.parse(stdout);
    assert.equal(error.code, 'store_in_use');
    assert.ok(
      error.message.includes(`process ${first.child.pid}`) && error.message.includes(dir),
      error.message,
    );
    await stop(first);
  });

  it('is refused where others could put snapshots', async (t) => {
    const dir = join(storeFolder(t), 'open');
    mkdirSync(dir);
    chmodSync(dir, 0o777);
    const { status, stdout } = await seuss(['serve', '--port', '0', '--json', '--store', dir]);
    assert.equal(status, 3);
    assert.equal(JSON.parse(stdout).error.code, 'store_unsafe');
  });
});
