import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineBuffer } from '../src/uc/line-buffer.ts';
import { LogCollector } from '../src/uc/log-collector.ts';

function collect(chunks: readonly string[], maxBytes: number): string[] {
  const seen: string[] = [];
  const buffer = new LineBuffer();
  const target = {
    line: (line: Buffer) => void seen.push(line.toString()),
    tooLong: (bytes: number) => void seen.push(`<${bytes}>`),
  };
  for (const chunk of chunks) {
    buffer.push(Buffer.from(chunk), maxBytes, target);
  }
  buffer.flush(maxBytes, target);
  return seen;
}

describe('lines out of the bytes of a UC', () => {
  it('come out whole wherever the chunks end', () => {
    const text = 'one\n\ntwo ünï\nthree';
    for (let step = 1; step <= text.length; step++) {
      const chunks = text.match(new RegExp(`[^]{1,${step}}`, 'g')) ?? [];
      assert.deepEqual(collect(chunks, 100), ['one', '', 'two ünï', 'three']);
    }
  });

  it('that are too long are counted, not kept, and do not harm the next', () => {
    assert.deepEqual(collect(['123456\nab\n'], 5), ['<6>', 'ab']);
    assert.deepEqual(collect(['123', '456', '78', '9\nab', 'cde\n'], 5), ['<9>', 'abcde']);
  });
});

describe('the logs of an activation', () => {
  const texts = (logs: LogCollector): string[] =>
    logs.finish().map(({ stream, line }) => `${stream}: ${line}`);

  it('keep both streams apart and count a last line without newline', () => {
    const logs = new LogCollector(1000);
    logs.write('stdout', Buffer.from('a'));
    logs.write('stderr', Buffer.from('x\n'));
    logs.write('stdout', Buffer.from('b\nc'));
    assert.deepEqual(texts(logs), ['stderr: x', 'stdout: ab', 'stdout: c']);
  });

  it('keep a character that two chunks share', () => {
    const logs = new LogCollector(1000);
    const bytes = Buffer.from('é\n');
    logs.write('stdout', bytes.subarray(0, 1));
    logs.write('stdout', bytes.subarray(1));
    assert.deepEqual(texts(logs), ['stdout: é']);
  });

  it('end with a notice at the limit', () => {
    const logs = new LogCollector(10);
    for (let i = 0; i < 1000; i++) {
      logs.write('stdout', Buffer.from('12345\n'));
    }
    const lines = texts(logs);
    assert.equal(lines.length, 3);
    assert.match(lines[2] ?? '', /Logs were truncated .* limit of 10 bytes/);
  });

  it('hold no more than the limit of a line without end', () => {
    const logs = new LogCollector(10);
    for (let i = 0; i < 1000; i++) {
      logs.write('stdout', Buffer.from('12345'));
    }
    assert.deepEqual(texts(logs).length, 1);
  });
});
