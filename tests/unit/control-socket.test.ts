import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { connectControl } from '../../src/tender/control-socket.ts';

it('the ends of a connection to a tender pass on all bytes, and tell when the other is gone', async () => {
  const { near, far } = await connectControl();
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  const got: Buffer[] = [];
  near.onChunk = (chunk) => {
    got.push(Buffer.from(chunk));
  };
  const closed = once(near.socket, 'close');
  far.end(sent);
  await closed;
  assert.ok(Buffer.concat(got).equals(sent));
});

it('a connection to a tender leaves no temporary file, and says when it cannot be made there', async (t) => {
  const before = process.env.TMPDIR;
  const dir = await mkdtemp(join(tmpdir(), 'control-'));
  t.after(async () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(dir, { recursive: true });
  });
  process.env.TMPDIR = dir;
  const { near, far } = await connectControl();
  near.socket.destroy();
  far.destroy();
  assert.deepEqual(await readdir(dir), []);

  process.env.TMPDIR = join(dir, 'none');
  await assert.rejects(connectControl(), { code: 'tender_died', remedy: /TMPDIR/ });
});
