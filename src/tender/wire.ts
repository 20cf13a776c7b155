/** Reading and writing the little-endian structures of the control protocol. */

const HIGH = 0x1_0000_0000;

/** A uint64_t as a number; exact below 2^53, which sizes, counts and nanoseconds stay under. */
export function readU64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * HIGH;
}

export function writeU64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32LE(value % HIGH, offset);
  buffer.writeUInt32LE(Math.floor(value / HIGH), offset + 4);
}

interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly uc: number;
  readonly seq: number;
}

/** Fills in struct control_frame; `bytes` is the length of the payload behind it. */
export function writeFrameHeader(buffer: Buffer, header: FrameHeader, bytes: number): void {
  buffer.writeUInt32LE(bytes, 0);
  buffer.writeUInt16LE(header.type, 4);
  buffer.writeUInt16LE(header.flags, 6);
  buffer.writeUInt32LE(header.uc, 8);
  buffer.writeUInt32LE(header.seq, 12);
}

/** Strings as the C side takes them: each ended by a NUL. */
export function encodeStrings(strings: readonly string[]): Buffer {
  for (const text of strings) {
    if (text.includes('\0')) {
      throw new TypeError(`a NUL byte in ${JSON.stringify(text)}`);
    }
  }
  return Buffer.from(strings.map((text) => `${text}\0`).join(''));
}
