/** Long texts, which a thread reads, come to the same as short ones, and hold nobody up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { JsonText, utf8Bytes } from '../../src/json/json-text.ts';
import { JsonError } from '../../src/json/scanner.ts';
import { LONG_BYTES, readLongMembers, readLongValue } from '../../src/reading/long-texts.ts';
import { readAnswer } from '../../src/uc/answer-reader.ts';
import { parseAnswer } from '../../src/uc/driver-messages.ts';

const digits = '9007199254740993.0,';
const list = (length: number): string => `[${digits.repeat(length / digits.length)}0]`;
const LINE = `{"op":"result","id":7,"status":"ok","value":${list(LONG_BYTES)},"seeded":true}`;

/** Reads, and counts the turns of this thread meanwhile. */
async function turnsDuring(reading: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const over = reading.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await turn();
    turns += 1;
  }
  await over;
  return turns;
}

describe('a long text', () => {
  it('is read to the digit, with white space and lines around and in it', async () => {
    const text = list(LONG_BYTES);
    for (const [before, behind] of [
      ['', ''],
      [' \n', '\n\t'],
    ]) {
      const value = await readLongValue(Buffer.from(`${before}${text}${behind}`));
      assert.equal(value.text, text);
    }
    const lines = text.replaceAll(',', ',\n');
    assert.equal((await readLongValue(Buffer.from(lines))).text, lines.replaceAll('\n', ' '));
  });

  it('has as many bytes as it would have without escapes that it does not need', async () => {
    const text = `["${'\\u00e9€😀\\n'.repeat(LONG_BYTES / 8)}"]`;
    const value = await readLongValue(Buffer.from(text));
    assert.equal(utf8Bytes(value), utf8Bytes(JsonText.parse(text)));
  });

  it('is refused in the words that a short one is refused in', async () => {
    const deep = `${'['.repeat(LONG_BYTES)}${']'.repeat(LONG_BYTES)}`;
    for (const text of [`${list(LONG_BYTES)}x`, `{"a":${list(LONG_BYTES)}`, deep]) {
      let expected: unknown;
      try {
        JsonText.parse(text);
      } catch (error) {
        expected = error;
      }
      assert.ok(expected instanceof JsonError);
      await assert.rejects(readLongValue(Buffer.from(text)), expected);
    }
  });

  it('is looked through for members, of which the last of a name counts', async () => {
    const text = `{"a":1,"b":${list(LONG_BYTES)},"\\u0061":[[2]],"c":3}`;
    const found = await readLongMembers(Buffer.from(text), ['a', 'b']);
    const parts = found?.members.map(({ key, start, end, depth }) => [key, text.slice(start, end), depth]);
    assert.deepEqual(parts, [
      ['a', '[[2]]', 2],
      ['b', list(LONG_BYTES), 1],
    ]);
    assert.equal(await readLongMembers(Buffer.from(list(LONG_BYTES)), ['a']), undefined);
    assert.equal(await readLongMembers(Buffer.from(`${text},`), ['a']), undefined);
  });

  it('of a driver says what it says in a short line', async () => {
    for (const line of [LINE, `${LINE} `, LINE.slice(1), LINE.replace('result', 'other')]) {
      assert.deepEqual(await readAnswer(Buffer.from(line), false), parseAnswer(Buffer.from(line)));
    }
  });

  it('does not keep this thread from its other work', async () => {
    await readLongValue(Buffer.from('[0]'));
    const texts = Array.from({ length: 8 }, () => Buffer.from(list(1024 * 1024)));
    assert.ok((await turnsDuring(Promise.all(texts.map(readLongValue)))) > texts.length);
  });

  it('may change while it is read when it is not its own', async () => {
    await readLongValue(Buffer.from('[0]'));
    const memory = Buffer.from(LINE);
    const reading = readAnswer(memory, false);
    memory.fill(0);
    assert.deepEqual(await reading, parseAnswer(Buffer.from(LINE)));
  });
});
