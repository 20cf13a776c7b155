// fs: promises, callbacks, positions, folders, links, errors.
import fs, { promises as fsp } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = await fsp.mkdtemp(join(tmpdir(), 'f-'));
const at = (...names) => join(dir, ...names);
const code = (promise) =>
  promise.then(
    () => 'ok',
    (error) => error.code,
  );

await fsp.mkdir(at('a/b/c'), { recursive: true });
await Promise.all(Array.from({ length: 50 }, (_, i) => fsp.writeFile(at('a', `${i}`), `${i}`.repeat(i))));
console.log(
  (await fsp.readdir(at('a'), { withFileTypes: true }))
    .map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .sort()
    .join(' '),
);
console.log((await fsp.readdir(dir, { recursive: true })).length);

const handle = await fsp.open(at('file'), 'w+');
await handle.write(Buffer.from('0123456789'), 0, 10, 0);
await handle.writev([Buffer.from('ab'), Buffer.from('cd')], 4);
await handle.truncate(9);
console.log(
  (await handle.read(Buffer.alloc(20), 0, 20, 2)).buffer.toString('latin1', 0, 7),
  (await handle.stat()).size,
);
await handle.sync();
await handle.utimes(1, 2);
console.log((await handle.stat()).mtimeMs);
await handle.close();

await fsp.appendFile(at('file'), '+');
await fsp.copyFile(at('file'), at('copy'));
await fsp.rename(at('copy'), at('moved'));
await fsp.symlink('moved', at('link'));
await fsp.link(at('moved'), at('hard'));
await fsp.chmod(at('hard'), 0o640);
console.log(
  await fsp.readFile(at('link'), 'utf8'),
  await fsp.readlink(at('link')),
  (await fsp.lstat(at('link'))).isSymbolicLink(),
);
console.log(
  (await fsp.stat(at('moved'))).nlink,
  ((await fsp.stat(at('moved'))).mode & 0o777).toString(8),
  (await fsp.realpath(at('link'))) === at('moved'),
);
console.log(
  await code(fsp.access(at('none'))),
  await code(fsp.rmdir(at('a'))),
  await code(fsp.mkdir(at('a'))),
  await code(fsp.readFile(at('a'))),
  await code(fsp.open(at('file'), 'wx')),
  await code(fsp.readlink(at('file'))),
);
console.log(await code(fsp.cp(at('a'), at('d'), { recursive: true })), fs.readdirSync(at('d')).length);

const stream = fs.createReadStream(at('file'), { start: 2, end: 5, encoding: 'utf8', highWaterMark: 2 });
const parts = [];
for await (const part of stream) parts.push(part);
console.log(parts);
await fsp.rm(dir, { recursive: true });
console.log(
  fs.existsSync(dir),
  fs.readFileSync('/proc/self/comm', 'utf8').length > 0,
  fs.statSync('/dev/null').isCharacterDevice(),
);
