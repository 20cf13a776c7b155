import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallTrace, CallTraces } from '../../src/uc/call-trace.ts';

/** Takes lines as a server does; two activations of one UC. */
function traced(maxBytes = 1 << 20) {
  const written: string[] = [];
  const options = { actions: [], write: (lines: string) => void written.push(lines), maxBytes };
  const calls = new CallTraces();
  return {
    calls,
    first: new CallTrace('first', options),
    second: new CallTrace('second', options),
    tell: (text: string) => calls.push(Buffer.from(text, 'latin1')),
    lines: () => written.join('').split('\n').slice(0, -1),
  };
}

describe('the system calls that a UC tells', () => {
  it('belong to the message that it has taken, wherever the pieces end', () => {
    const text = 'a\n\nb\nc\n';
    for (let step = 1; step <= text.length; step++) {
      const { calls, first, second, tell, lines } = traced();
      calls.expect(first);
      tell('boot\n\nrun\n');
      calls.expect(second);
      for (const piece of text.match(new RegExp(`[^]{1,${step}}`, 'g')) ?? []) tell(piece);
      assert.deepEqual(lines(), ['first boot', 'first run', 'first a', 'second b', 'second c']);
    }
  });

  it('come out although the UC does not say that it has taken a message', () => {
    const { calls, first, second, tell, lines } = traced();
    calls.expect(first);
    tell('a\n');
    calls.expect(second);
    tell('b\n');
    calls.expect(second);
    tell('c\n');
    assert.deepEqual(lines(), ['first a', 'first b', 'second c']);
  });

  it('are not shown between a message of the node itself and the next one', () => {
    const { calls, first, second, tell, lines } = traced();
    calls.expect(first);
    tell('\na\n');
    calls.expect(undefined);
    tell('b\n\nc\n');
    calls.expect(second);
    tell('d\n\ne\n');
    assert.deepEqual(lines(), ['first a', 'first b', 'second e']);
  });

  it('go on in a run that had begun', () => {
    const { calls, first, tell, lines } = traced();
    calls.follow(first);
    tell('a\n');
    assert.deepEqual(lines(), ['first a']);
  });
});

describe('what a hostile UC tells', () => {
  it('is printable ASCII', () => {
    const { calls, first, tell, lines } = traced();
    calls.expect(first);
    tell('\n\x1b[2J\r\0\x7f\x9b é \\x1b "ok"\n');
    assert.deepEqual(lines(), ['first \\x1b[2J\\x0d\\x00\\x7f\\x9b \\xe9 \\x5cx1b "ok"']);
  });

  it('has no line that is too long', () => {
    const { calls, first, tell, lines } = traced();
    calls.expect(first);
    tell(`\n${'\x01'.repeat(512)}\n${'x'.repeat(300)}`);
    tell(`${'x'.repeat(300)}\nshort\n`);
    assert.equal(lines()[0], `first ${'\\x01'.repeat(512)}`);
    assert.deepEqual(lines().slice(1), ['first a line of 600 bytes is left out', 'first short']);
  });

  it('ends with a notice at the limit, for each activation', () => {
    const { calls, first, second, tell, lines } = traced(20);
    const notice = 'the trace ends here: 20 bytes are the limit of an activation';
    calls.expect(first);
    tell('\n123\n456\n789\nabc\nrest of a l');
    tell('def\n');
    calls.expect(second);
    tell('ine\n\n123\n');
    assert.deepEqual(lines(), ['first 123', 'first 456', `first ${notice}`, 'second 123']);
  });

  it('reaches the limit by empty lines, too', () => {
    const { calls, first, tell, lines } = traced(20);
    calls.expect(first);
    for (let i = 0; i < 1000; i++) tell('\n'.repeat(1000));
    assert.equal(lines().length, 3);
  });
});
