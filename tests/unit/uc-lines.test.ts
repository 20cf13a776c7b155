import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ActivationLog } from '../../src/uc/activation-log.ts';
import { LineBuffer } from '../../src/uc/line-buffer.ts';
import { LINE_BYTES, LogCollector } from '../../src/uc/log-collector.ts';

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
    logs
      .finish()
      .lines()
      .map(({ stream, line }) => `${stream}: ${line}`);

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
    const logs = new LogCollector(2 * (5 + LINE_BYTES) + 4);
    for (let i = 0; i < 1000; i++) {
      logs.write('stdout', Buffer.from('12345\n'));
    }
    const lines = texts(logs);
    assert.deepEqual(lines.slice(0, 2), ['stdout: 12345', 'stdout: 12345']);
    assert.equal(lines.length, 3);
    assert.match(lines[2] ?? '', /^stderr: Logs were truncated .* limit of \d+ bytes/);
  });

  it('hold no more than the limit of a line without end, in however small pieces it comes', () => {
    for (const pieces of ['12345', '1', '\0']) {
      const logs = new LogCollector(10);
      for (let i = 0; i < 1000; i++) {
        logs.write(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(pieces));
      }
      assert.deepEqual(texts(logs).length, 1);
    }
  });

  it('count a line for more than its text, and look at nothing once they are full', () => {
    const logs = new LogCollector(1_000_000);
    const empty = Buffer.alloc(30_000, '\n');
    for (let i = 0; i < 900; i++) {
      logs.write('stdout', empty);
    }
    assert.equal(texts(logs).length, Math.floor(1_000_000 / LINE_BYTES) + 1);
    const unseen = new Proxy(Buffer.alloc(1), {
      get() {
        throw new Error('it was looked at');
      },
    });
    logs.write('stderr', unseen);
  });

  it('take no more of memory, nor of an answer, than the limit', () => {
    const limit = 100_000;
    for (const text of ['\n', 'a\n', 'x'.repeat(200), '\0\n', '\t"\\\n', 'é€😀\n', '\x1b[31m\n']) {
      const logs = new LogCollector(limit);
      for (let i = 0; i < limit; i++) {
        logs.write(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(text));
      }
      const log = logs.finish();
      assert.ok(log.bytes < limit + 1024, `${JSON.stringify(text)}: ${log.bytes}`);
      const document = log.document().text;
      assert.ok(Buffer.byteLength(document) < limit + 1024, `${JSON.stringify(text)}: ${document.length}`);
      assert.equal(JSON.parse(document).length, log.lines().length);
    }
  });

  it('are shown as OpenWhisk does', () => {
    const log = new ActivationLog();
    log.add('stdout', Buffer.from('be'), Buffer.from('gun\n\nplain\n'), 0);
    log.add('stderr', undefined, Buffer.from('a "quote"\n'), 0);
    log.add('stderr', undefined, Buffer.from('later\n'), 1);
    const time = '1970-01-01T00:00:00.000000000Z';
    assert.deepEqual(log.document().value(), [
      `${time} stdout: begun`,
      `${time} stdout: `,
      `${time} stdout: plain`,
      `${time} stderr: a "quote"`,
      '1970-01-01T00:00:00.001000000Z stderr: later',
    ]);
    assert.deepEqual(log.lines()[3], { timeMs: 0, stream: 'stderr', line: 'a "quote"' });
    log.append({ timeMs: 2, stream: 'stdout', line: 'late' });
    assert.equal(log.lines().at(-1)?.line, 'late');
    assert.equal((log.document().value() as string[]).length, 6);
    assert.equal(new ActivationLog().document().text, '[]');
  });
});
