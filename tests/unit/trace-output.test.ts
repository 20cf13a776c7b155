import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { UsageError } from '../../src/cli/errors.ts';
import { TraceOutput, tracedAction } from '../../src/cli/trace-output.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-trace-output-'));
});
after(() => rm(dir, { recursive: true }));

const noFault = (message: string): void => assert.fail(message);

describe('the name of a traced action', () => {
  it('is one of the namespace that a node has', () => {
    for (const text of ['my action', '_/my action', 'guest/my action', '/guest/my action', '/_/my action']) {
      assert.equal(tracedAction(text), 'guest/my action');
    }
  });

  it('is refused when there can be no such action', () => {
    for (const text of [
      '',
      '/',
      'guest/',
      '/guest',
      'guest/a/b',
      'guest//a',
      '//a',
      'other/a',
      'a\nb',
      ' ',
    ]) {
      assert.throws(() => tracedAction(text), UsageError, JSON.stringify(text));
    }
  });
});

describe('the file of a trace', () => {
  it("is its owner's alone, and lines are added to its end", async () => {
    const path = join(dir, 'calls.txt');
    for (const lines of ['a\nb\n', 'c\n']) {
      const output = await TraceOutput.open(path, noFault);
      output.write(lines);
      await output.close();
    }
    assert.equal(await readFile(path, 'utf8'), 'a\nb\nc\n');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it('that is too slow holds up nobody, and tells how much it lacks', async () => {
    const path = join(dir, 'slow.txt');
    const output = await TraceOutput.open(path, noFault);
    const line = `${'x'.repeat(1024 * 1024 - 1)}\n`;
    for (let i = 0; i < 40; i++) output.write(line);
    const kept = 17;
    while ((await stat(path)).size < kept * line.length) await new Promise(setImmediate);
    output.write('last\n');
    await output.close();
    const text = await readFile(path, 'utf8');
    const notice = `- ${(40 - kept) * line.length} bytes are left out: they came too fast\nlast\n`;
    assert.equal(text.slice(kept * line.length), notice);
  });

  it('that cannot be written says so once', async () => {
    const faults: string[] = [];
    const output = await TraceOutput.open('/dev/full', (message) => faults.push(message));
    for (let i = 0; i < 3; i++) output.write('a\n');
    while (faults.length === 0) await new Promise(setImmediate);
    output.write('b\n');
    await output.close();
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /ENOSPC/);
  });
});
