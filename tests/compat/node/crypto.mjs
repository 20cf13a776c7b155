// Hashes, ciphers, signatures; the slow ones run in the thread pool.
import crypto from 'node:crypto';
import { promisify } from 'node:util';

for (const name of ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512']) {
  console.log(name, crypto.createHash(name).update('text').digest('hex'));
}
const key = crypto.scryptSync('password', 'salt', 32);
const iv = Buffer.alloc(12, 1);
const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
const secret = Buffer.concat([cipher.update('plain'), cipher.final()]);
const decipher = crypto.createDecipheriv('aes-256-gcm', key, iv).setAuthTag(cipher.getAuthTag());
console.log(secret.toString('hex'), decipher.update(secret, undefined, 'utf8') + decipher.final('utf8'));

const keys = await Promise.all(
  Array.from({ length: 12 }, (_, i) =>
    promisify(crypto.pbkdf2)('password', `salt${i}`, 20_000, 16, 'sha512'),
  ),
);
console.log(keys.map((buffer) => buffer.toString('hex')));

for (const [type, options] of [
  ['rsa', { modulusLength: 1024 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ed25519', {}],
]) {
  const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)(type, options);
  const digest = type === 'ed25519' ? null : 'sha256';
  const signature = crypto.sign(digest, Buffer.from('text'), privateKey);
  console.log(
    type,
    crypto.verify(digest, Buffer.from('text'), publicKey, signature),
    crypto.verify(digest, Buffer.from('other'), publicKey, signature),
  );
}
const [a, b] = [crypto.createECDH('prime256v1'), crypto.createECDH('prime256v1')];
a.generateKeys();
b.generateKeys();
console.log(a.computeSecret(b.getPublicKey()).equals(b.computeSecret(a.getPublicKey())));
const subtle = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
console.log(await crypto.subtle.verify('HMAC', subtle, await crypto.subtle.sign('HMAC', subtle, iv), iv));
console.log(
  new Set(Array.from({ length: 300 }, () => crypto.randomUUID())).size,
  (await promisify(crypto.randomBytes)(100_000)).length,
);
