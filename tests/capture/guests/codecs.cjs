'use strict';
/* Vector code of zlib, Brotli and OpenSSL, on the main thread and in the thread pool. */
const crypto = require('node:crypto');
const { writeSync } = require('node:fs');
const { promisify } = require('node:util');
const zlib = require('node:zlib');

const STEPS = 16;
const gzip = promisify(zlib.gzip);
const gunzip = promisify(zlib.gunzip);
const pbkdf2 = promisify(crypto.pbkdf2);

function cipher(data, step) {
  const c = crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32, step), Buffer.alloc(12, 1));
  return Buffer.concat([c.update(data), c.final(), c.getAuthTag()]);
}

async function main() {
  let data = Buffer.from('seuss '.repeat(20_000));
  for (let step = 0; step < STEPS; step++) {
    const [packed, key] = await Promise.all([
      gzip(data, { level: 6 }),
      pbkdf2(`${step}`, 'salt', 800, 64, 'sha512'),
    ]);
    const plain = await gunzip(packed);
    const brotli = zlib.brotliCompressSync(plain.subarray(0, 40_000), {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 },
    });
    const sealed = cipher(plain, step);
    const hash = crypto.createHash('sha512').update(packed).update(key).update(brotli).update(sealed);
    for (const name of ['sha1', 'md5', 'sha3-256', 'blake2b512'])
      hash.update(crypto.createHash(name).update(plain).digest());
    const digest = hash.digest();
    data = Buffer.concat([sealed.subarray(0, 60_000), Buffer.from(digest.toString('hex').repeat(400))]);
    writeSync(1, `${step} ${digest.toString('hex')}\n`);
  }
}

main();
