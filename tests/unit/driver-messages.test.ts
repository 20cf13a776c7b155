import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JsonText } from '../../src/json/json-text.ts';
import {
  collectMessage,
  initMessage,
  parseAnswer,
  resumeMessage,
  runMessage,
  specializeMessage,
} from '../../src/uc/driver-messages.ts';

const parse = (text: string) => parseAnswer(Buffer.from(text));

describe('messages to a driver', () => {
  it('are one line of JSON each', () => {
    const init = initMessage(
      'main',
      { type: 'source', source: 'a\nb', filename: 'f.js' },
      { K: 'v\n' },
      'ab',
    );
    assert.equal(init.indexOf('\n'), init.length - 1);
    assert.deepEqual(JSON.parse(init), {
      op: 'init',
      main: 'main',
      source: 'a\nb',
      filename: 'f.js',
      env: { K: 'v\n' },
      seed: 'ab',
    });
    assert.deepEqual(JSON.parse(initMessage('m', { type: 'dir', dir: '/action' }, {}, undefined)), {
      op: 'init',
      main: 'm',
      dir: '/action',
      env: {},
    });
    assert.deepEqual(JSON.parse(collectMessage('ab')), { op: 'collect', seed: 'ab' });
    const run = runMessage(7, '{"a":1}', '{}', 'cd');
    assert.equal(run.indexOf('\n'), run.length - 1);
    assert.deepEqual(JSON.parse(run), { op: 'run', id: 7, value: { a: 1 }, env: {}, seed: 'cd' });
    assert.equal(JSON.parse(runMessage(7, '{}', '{}', 'cd', true)).checkpoint, true);
    assert.equal(JSON.parse(initMessage('m', { type: 'dir', dir: '/' }, {}, 'ab', true)).specialize, true);
    assert.deepEqual(JSON.parse(specializeMessage(8, '{"a":1}', 'ef')), {
      op: 'specialize',
      id: 8,
      value: { a: 1 },
      seed: 'ef',
    });
    assert.deepEqual(JSON.parse(resumeMessage(9, '{"b":2}', '{"K":"v"}', undefined)), {
      op: 'resume',
      id: 9,
      value: { b: 2 },
      env: { K: 'v' },
    });
  });
});

describe('what a driver says', () => {
  it('is taken when it follows the protocol', () => {
    assert.deepEqual(parse('{"op":"booted","version":"v24","protocol":1}'), {
      op: 'booted',
      version: 'v24',
      protocol: 1,
    });
    for (const unnamed of ['', ',"protocol":"1"', ',"protocol":null']) {
      assert.deepEqual(parse(`{"op":"booted","version":"v24"${unnamed}}`), {
        op: 'booted',
        version: 'v24',
        protocol: undefined,
      });
    }
    assert.deepEqual(parse('{"op":"ready","seeded":true}'), { op: 'ready', seeded: true });
    assert.deepEqual(parse('{"op":"failed","error":"e"}'), { op: 'failed', error: 'e', seeded: false });
    assert.deepEqual(parse('{"op":"collected"}'), { op: 'collected', drawn: true, seeded: false });
    assert.deepEqual(parse('{"op":"result","id":1,"status":"ok","value":{"a":[1.0 ]},"seeded":1}'), {
      op: 'result',
      id: 1,
      status: 'ok',
      value: JsonText.parse('{"a":[1.0 ]}'),
      tooDeep: false,
      seeded: false,
      checkpoint: false,
      ending: false,
    });
    assert.deepEqual(parse('{"op":"result","id":1,"status":"ok","value":[],"checkpoint":true}'), {
      op: 'result',
      id: 1,
      status: 'ok',
      value: JsonText.parse('[]'),
      tooDeep: false,
      seeded: false,
      checkpoint: true,
      ending: false,
    });
    assert.deepEqual(parse('{"op":"parked","id":1,"observed":["time: Date"],"seeded":true}'), {
      op: 'parked',
      id: 1,
      observed: ['time: Date'],
      seeded: true,
    });
  });

  it('is taken the same in whatever order and with whatever space it comes', () => {
    const value = '{"a":",\\"seeded\\":true}"}';
    const usual = parse(`{"op":"result","id":1,"status":"ok","value":${value},"seeded":true}`);
    assert.equal(usual?.op === 'result' && usual.seeded && usual.value.text, value);
    for (const other of [
      `{"op":"result","id":1,"status":"ok","seeded":true,"value":${value}}`,
      `{"op":"result","id":1,"status":"ok","value":${value},"seeded":true,"checkpoint":false}`,
      `{ "op":"result","id":1,"status":"ok","value": ${value} ,"seeded":true}`,
      `{"op":"result","id":1,"status":"ok","value":[],"value":${value},"seeded":true}`,
    ]) {
      assert.deepEqual(parse(other), usual, other);
    }
  });

  for (const text of [
    '',
    'null',
    '[]',
    '7',
    '{"op":"result"}',
    '{"op":"result","id":"1","status":"ok","value":1}',
    '{"op":"result","id":1,"status":"fine","value":1}',
    '{"op":"result","id":1,"status":"ok"}',
    ...['null', 'true', '7', '"text"', 'NaN', '{"a":}', '[1'].map(
      (value) => `{"op":"result","id":1,"status":"ok","value":${value}}`,
    ),
    '{"op":"result","id":1,"status":"ok","value":{}} {}',
    '{"op":"result","id":1,"status":"ok","value":{},{}}',
    '{"op":"result","id":1,"status":"ok","value":{},"value":1}',
    '{"op":"result","id":1,"status":"ok","value":{},"seeded":true,"seeded":}',
    '{"op":"failed","error":{}}',
    '{"op":"parked","id":1}',
    '{"op":"parked","id":1,"observed":[1]}',
    `{"op":"parked","id":1,"observed":["${'x'.repeat(129)}"]}`,
    `{"op":"parked","id":1,"observed":[${'"x",'.repeat(64)}"x"]}`,
    '{"op":"parked","observed":[]}',
    '{"op":"toString"}',
    '{"__proto__":{"op":"ready"}}',
    '{"op":"ready"',
    '['.repeat(100_000),
  ]) {
    it(`is refused otherwise: ${text.slice(0, 60)}`, () => assert.equal(parse(text), undefined));
  }
});
