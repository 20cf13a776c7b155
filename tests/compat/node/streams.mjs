// Streams of both kinds, compression in the thread pool, back-pressure.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';

const file = join(mkdtempSync(join(tmpdir(), 's-')), 'data.gz');
function* lines() {
  for (let i = 0; i < 200_000; i++) yield `line ${i}\n`;
}
await pipeline(Readable.from(lines()), zlib.createGzip(), createWriteStream(file));
console.log(statSync(file).size > 100_000);
const hash = createHash('sha256');
const count = new Transform({
  transform(chunk, _encoding, done) {
    this.bytes = (this.bytes ?? 0) + chunk.length;
    done(null, chunk);
  },
});
await pipeline(createReadStream(file), zlib.createGunzip(), count, hash);
console.log(count.bytes, hash.digest('hex'));

for (const [name, make, back] of [
  ['deflate', zlib.createDeflate, zlib.createInflate],
  [
    'brotli',
    () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
    zlib.createBrotliDecompress,
  ],
]) {
  const parts = [];
  await pipeline(
    Readable.from(lines().take(1000)),
    make(),
    back(),
    new Writable({
      highWaterMark: 10,
      write(chunk, _encoding, done) {
        parts.push(chunk);
        setImmediate(done);
      },
    }),
  );
  console.log(name, Buffer.concat(parts).length);
}
const text = await new Response(
  new Blob(['web streams '])
    .stream()
    .pipeThrough(new CompressionStream('gzip'))
    .pipeThrough(new DecompressionStream('gzip')),
).text();
console.log(text);
await pipeline(
  Readable.from(['x']),
  new Transform({ transform: (_c, _e, done) => done(new Error('broken')) }),
  new Writable({ write() {} }),
).catch((error) => console.log(error.message));
