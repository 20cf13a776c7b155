/** Frames of the control protocol, which carry what contexts have sent. */
import assert from 'node:assert/strict';
import { Control, Size } from '../../../src/tender/abi.gen.ts';
import { FrameReader } from '../../../src/tender/frame-reader.ts';
import {
  decodeCaptured,
  decodeControlExit,
  decodeDemoted,
  decodeDiff,
  decodeHello,
  decodeInspected,
  decodeLinkExit,
  decodeMaps,
  decodeStarted,
  decodeStat,
} from '../../../src/tender/replies.ts';
import { writeFrameHeader } from '../../../src/tender/wire.ts';
import { allowing, type Target } from '../target.ts';

const DECODERS: readonly ((payload: Buffer) => unknown)[] = [
  decodeHello,
  decodeStarted,
  decodeCaptured,
  decodeDemoted,
  decodeStat,
  decodeControlExit,
  decodeMaps,
  decodeInspected,
  decodeDiff,
  decodeLinkExit,
];
const LENGTHS = [0, 8, 16, 24, 48, 56, 72, 232, 300];

function frame(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(Size.frame);
  writeFrameHeader(header, { type, flags: 31, uc: 7, seq: 9 }, payload.length);
  return Buffer.concat([header, payload]);
}

const isRangeError = (error: unknown): boolean => error instanceof RangeError;

function framesOf(chunks: Iterable<Buffer>): string[] {
  const seen: string[] = [];
  const reader = new FrameReader((type, flags, uc, seq, payload) => {
    seen.push(`${type}/${flags}/${uc}/${seq}:${payload.toString('latin1')}`);
    for (const decode of DECODERS) allowing(isRangeError, () => decode(payload));
  });
  allowing(isRangeError, () => {
    for (const chunk of chunks) reader.push(chunk);
  });
  return seen;
}

function* pieces(input: Buffer, bytes: number): Iterable<Buffer> {
  for (let at = 0; at < input.length; at += bytes) yield Buffer.from(input.subarray(at, at + bytes));
}

export const frames: Target = {
  name: 'frames',
  seeds: () => [
    Buffer.concat(LENGTHS.map((bytes, i) => frame(Object.values(Control)[i] ?? 1, Buffer.alloc(bytes, 1)))),
    ...LENGTHS.map((bytes) => frame(Control.link, Buffer.alloc(bytes, 0xff))),
  ],
  one: (input) => {
    const whole = framesOf([Buffer.from(input)]);
    for (const bytes of [1, 17]) {
      assert.deepEqual(framesOf(pieces(input, bytes)).slice(0, whole.length), whole, `in pieces of ${bytes}`);
    }
  },
};
