// An HTTP server with clients: keep-alive agent, pipelined bodies, fetch, errors.
import { once } from 'node:events';
import http from 'node:http';

const server = http.createServer(async (request, response) => {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  if (request.url === '/abort') return request.socket.destroy();
  response.setHeader('x-method', request.method);
  response.end(JSON.stringify({ url: request.url, bytes }));
});
server.listen(0);
await once(server, 'listening');
const { port } = server.address();

const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
async function ask(path, body) {
  const request = http.request({ port, path, method: 'POST', agent });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}
console.log(await Promise.all(Array.from({ length: 10 }, (_, i) => ask(`/${i}`, 'x'.repeat(i * 100_000)))));
console.log(await ask('/abort', 'x').catch((error) => error.code));

const reply = await fetch(`http://localhost:${port}/fetch`, { method: 'PUT', body: 'body' });
console.log(reply.status, reply.headers.get('x-method'), await reply.json());
const closed = http.createServer().listen(0);
await once(closed, 'listening');
const { port: closedPort } = closed.address();
closed.close();
console.log(await fetch(`http://127.0.0.1:${closedPort}/`).catch((error) => error.cause.code));
console.log(
  await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() }).catch((error) => error.name),
);
agent.destroy();
server.closeAllConnections();
server.close();
