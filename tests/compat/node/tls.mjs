// TLS on loopback with a certificate made here: a minimal self-signed X.509, built in DER.
import crypto from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import tls from 'node:tls';

const der = (tag, ...parts) => {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)),
  );
  const { length } = body;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), body]);
};
const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const algorithm = der(0x30, der(0x06, '2a8648ce3d040302'));
const name = der(0x30, der(0x31, der(0x30, der(0x06, '550403'), der(0x0c, Buffer.from('localhost')))));
const alternative = der(0x30, der(0x06, '551d11'), der(0x04, der(0x30, der(0x82, Buffer.from('localhost')))));
const body = der(
  0x30,
  der(0xa0, der(0x02, '02')),
  der(0x02, '01'),
  algorithm,
  name,
  der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
  name,
  publicKey.export({ type: 'spki', format: 'der' }),
  der(0xa3, der(0x30, alternative)),
);
const certificate = der(0x30, body, algorithm, der(0x03, '00', crypto.sign('sha256', body, privateKey)));
const cert = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;
const key = privateKey.export({ type: 'pkcs8', format: 'pem' });

const server = https.createServer({ key, cert }, (request, response) =>
  response.end(`${request.socket.getProtocol()} ${request.url}`),
);
server.listen(0);
await once(server, 'listening');
const { port } = server.address();
for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
  const [response] = await once(
    https.get({ port, host: 'localhost', path: '/p', ca: cert, agent: false, maxVersion }),
    'response',
  );
  console.log(Buffer.concat(await response.toArray()).toString());
}
const [error] = await once(https.get({ port, host: 'localhost', agent: false }), 'error');
console.log(error.code);
const socket = tls.connect({ port, host: 'localhost', ca: cert });
await once(socket, 'secureConnect');
console.log(socket.authorized, socket.getPeerCertificate().subject.CN);
socket.destroy();
server.close();
server.closeAllConnections();
