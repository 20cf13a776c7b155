import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTROL_PAYLOAD_MAX, Size } from '../../src/tender/abi.gen.ts';
import { FrameReader } from '../../src/tender/frame-reader.ts';
import { writeFrameHeader } from '../../src/tender/wire.ts';

function frame(seq: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(Size.frame);
  writeFrameHeader(header, { type: 40, flags: 31, uc: 7, seq }, payload.length);
  return Buffer.concat([header, payload]);
}

function collect(): { reader: FrameReader; seen: string[] } {
  const seen: string[] = [];
  const reader = new FrameReader((type, flags, uc, seq, payload) => {
    seen.push(`${type}/${flags}/${uc}/${seq}:${payload.toString('latin1')}`);
  });
  return { reader, seen };
}

describe('control frames out of a stream', () => {
  const sizes = [0, 1, 15, 16, 17, 4096, 70_000];
  const stream = Buffer.concat(sizes.map((bytes, seq) => frame(seq, Buffer.alloc(bytes, 97 + seq))));
  const expected = sizes.map((bytes, seq) => `40/31/7/${seq}:${String.fromCharCode(97 + seq).repeat(bytes)}`);

  for (const step of [1, 2, 3, 7, 15, 16, 17, 33, 4099, 65_536, stream.length]) {
    it(`come out whole when read ${step} bytes at a time`, () => {
      const { reader, seen } = collect();
      for (let at = 0; at < stream.length; at += step) {
        const chunk = Buffer.from(stream.subarray(at, at + step));
        reader.push(chunk);
        chunk.fill(0);
      }
      assert.deepEqual(seen, expected);
    });
  }

  it('take no new memory for each that is spread over several reads', () => {
    const { reader, seen } = collect();
    const chunk = frame(1, Buffer.alloc(32 * 1024, 97));
    reader.push(chunk.subarray(0, 1000));
    const { arrayBuffers } = process.memoryUsage();
    const wrapped = Buffer.concat([chunk.subarray(1000), chunk.subarray(0, 1000)]);
    for (let i = 0; i < 1000; i++) {
      reader.push(wrapped);
      seen.length = 0;
    }
    assert.ok(process.memoryUsage().arrayBuffers - arrayBuffers < chunk.length * 100);
  });

  it('are refused when longer than the protocol allows', () => {
    const { reader } = collect();
    const header = Buffer.alloc(Size.frame);
    writeFrameHeader(header, { type: 40, flags: 0, uc: 0, seq: 0 }, CONTROL_PAYLOAD_MAX + 1);
    assert.throws(() => reader.push(header), RangeError);
  });
});
