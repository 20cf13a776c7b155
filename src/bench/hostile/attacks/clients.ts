import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { type Attack, BAR_MS, mebibytes, PEAK_BYTES } from '../attack.ts';
import type { Attacker } from '../attacker.ts';

const BIG_BODY_BYTES = 66 * 1024 * 1024;
const PUT_BYTES = 48 * 1024 * 1024;
/** Ways to write one address. */
const PATHS = [
  '/%61pi/v1/namespaces/_/actions/big?overwrite=true',
  '/api/%761/namespaces/_/actions/big?overwrite=true',
  '/x/../api/v1/namespaces/_/actions/big?overwrite=true',
  '/./api/v1/namespaces/_/actions/big?overwrite=true',
  '//api/v1/namespaces/_/actions/big?overwrite=true',
  '/api%2Fv1/namespaces/_/actions/big?overwrite=true',
  '/api/v1/namespaces/_/actions/big?overwrite=true',
] as const;

/** What a client sends, with a key and without one. */
export const CLIENT_ATTACKS: readonly Attack[] = [
  {
    name: 'bodies-without-key',
    promise: 'no body is read before its sender is known, however the address is written',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    clients: 6,
    once: bodyWithoutKey,
  },
  {
    name: 'big-put',
    promise: 'a client with a key that stores 48 MB stops nobody',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES + mebibytes(512),
    once: bigPut,
  },
  {
    name: 'big-arguments',
    promise: 'arguments of a megabyte stop nobody',
    barMs: BAR_MS,
    peakBytes: PEAK_BYTES,
    function: { kind: 'nodejs:24', code: { source: 'exports.main = (args) => ({ n: args.all.length });' } },
    clients: 2,
    once: async (attacker) => {
      const outcome = await attacker.invoke({ all: Array(340_000).fill([]) });
      return outcome.httpStatus === 200
        ? undefined
        : `status ${outcome.httpStatus}: ${outcome.text.slice(0, 200)}`;
    },
  },
];

let bigText: string | undefined;

/** JSON that takes long to parse: the most values in the fewest bytes. */
function bigBody(): string {
  bigText ??= `[${'[],'.repeat(BIG_BODY_BYTES / 3)}0]`;
  return bigText;
}

async function bodyWithoutKey({ server }: Attacker, round: number): Promise<string | undefined> {
  const path = PATHS[round % PATHS.length] as string;
  const absolute = round % (2 * PATHS.length) >= PATHS.length;
  const answer = await sendRaw(server.url, absolute ? `${server.url}${path}` : path);
  return /^HTTP\/1\.1 4\d\d /.test(answer) || answer === ''
    ? undefined
    : `it was answered: ${answer.slice(0, 100)}`;
}

/**
 * Node.js's own client would write the address anew. The first line of the answer, or nothing when
 * the server hung up.
 */
function sendRaw(url: string, target: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      answer += text.slice(0, 1000);
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    const body = bigBody();
    socket.write(
      `PUT ${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
}

let bigArchive: Promise<string> | undefined;

/** A zip of 47 MB that no compression makes smaller. */
async function archive(): Promise<string> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('exports.main = () => ({});'), 'index.js');
  zip.addBuffer(randomBytes(PUT_BYTES - 1024 * 1024), 'data.bin', { compress: false });
  zip.end();
  return (await buffer(zip.outputStream)).toString('base64');
}

async function bigPut(attacker: Attacker): Promise<string | undefined> {
  bigArchive ??= archive();
  const name = 'hostile-big-put';
  const exec = { kind: 'nodejs:24', code: await bigArchive, binary: true };
  const { status, text } = await attacker.put(name, { exec });
  await attacker.remove(name);
  return status === 200 || status === 429 ? undefined : `status ${status}: ${text.slice(0, 200)}`;
}
