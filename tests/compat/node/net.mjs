// TCP, Unix sockets and UDP inside the UC.
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

async function echo(where, bytes) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  server.listen(where === 'tcp' ? 0 : where);
  await once(server, 'listening');
  const client = net.connect(where === 'tcp' ? server.address().port : where);
  client.end(Buffer.alloc(bytes, 'x'));
  let got = 0;
  for await (const chunk of client) got += chunk.length;
  server.close();
  await once(server, 'close');
  return got;
}
console.log(await echo('tcp', 10), await echo('tcp', 5_000_000));
console.log(await echo(join(tmpdir(), `s-${process.pid}`), 1_000_000));
console.log(await echo(`\0abstract-${process.pid}`, 1000));

const refused = net.connect(1, '127.0.0.1');
console.log((await once(refused, 'error'))[0].code);
console.log(await dns.lookup('localhost', { family: 4 }), (await dns.lookup('127.0.0.1')).address);

const a = dgram.createSocket('udp4').bind(0, '127.0.0.1');
await once(a, 'listening');
const b = dgram.createSocket('udp4');
b.send('datagram', a.address().port, '127.0.0.1');
const [message, from] = await once(a, 'message');
console.log(String(message), from.address, from.family);
a.close();
b.close();

const busy = net.createServer().listen(0);
await once(busy, 'listening');
const second = net.createServer().listen(busy.address().port);
console.log((await once(second, 'error'))[0].code);
busy.close();

const server = net.createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
await once(server, 'listening');
const victim = net.connect(server.address().port, '127.0.0.1');
console.log((await once(victim, 'error'))[0].code);
server.close();
