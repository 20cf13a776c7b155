const jwt = require('jsonwebtoken');
const { generateKeyPairSync } = require('node:crypto');

/** `{subject}`: signs a token with a fresh elliptic-curve key and verifies it again. */
exports.main = ({ subject = 'guest' }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = jwt.sign({ sub: subject }, privateKey, { algorithm: 'ES256', expiresIn: '1h' });
  const claims = jwt.verify(token, publicKey, { algorithms: ['ES256'] });
  return { token, subject: claims.sub };
};
