import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { create } from 'tar';
import { ZipFile } from 'yazl';
import { Packager } from '../../src/action/packager.ts';

let dir: string;
let packager: Packager;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seuss-packager-'));
  packager = new Packager({
    codeDir: join(dir, 'code'),
    resolveKind: (kind) =>
      kind.replace('nodejs:default', 'nodejs:24').replace('python:default', 'python:3.11'),
  });
});
after(() => rm(dir, { recursive: true }));

async function put(name: string, content: string | Buffer): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

function rejects(promise: Promise<unknown>, code: string, message?: RegExp) {
  return assert.rejects(promise, (error: { code: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  });
}

interface ZipItem {
  name: string;
  data: string | Buffer;
  mode?: number;
  /** Declared size, when it shall lie. */
  size?: number;
  flags?: number;
}

/** A zip archive byte by byte, so that it may be as wrong as a test wants. */
function rawZip(items: ZipItem[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, data, mode = 0o100644, size, flags = 0 } of items) {
    const bytes = Buffer.from(data);
    const packed = deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(flags, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crcOf(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(size ?? bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), fields, tail, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(items.length, 8);
  end.writeUInt16LE(items.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

function crcOf(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

async function zipOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, data] of Object.entries(files)) zip.addBuffer(Buffer.from(data), name);
  zip.end();
  return await buffer(zip.outputStream);
}

describe('source files', () => {
  it('take their kind from the ending', async () => {
    for (const [name, kind] of [
      ['a.js', 'nodejs:24'],
      ['a.mjs', 'nodejs:24'],
      ['a.ts', 'nodejs:24'],
      ['a.py', 'python:3.11'],
    ] as const) {
      const action = await packager.fromPath(await put(name, 'x = 1'));
      assert.equal(action.kind, kind);
      assert.deepEqual(action.code, { type: 'source', source: 'x = 1', filename: name });
      assert.equal(action.name, '_/a');
      assert.equal(action.main, 'main');
    }
  });

  it('are refused with a clear error when missing, empty, binary or of no known ending', async () => {
    await rejects(packager.fromPath(join(dir, 'nowhere.js')), 'code_not_found', /nowhere\.js/);
    await rejects(packager.fromPath(await put('empty.js', ' \n')), 'empty_code');
    await rejects(packager.fromPath(await put('binary.js', Buffer.from([0xff, 0xfe, 0x00]))), 'unknown_code');
    await rejects(packager.fromPath(await put('notes.txt', 'hello')), 'unknown_code', /notes\.txt/);
    await rejects(packager.fromPath(await put('fake.zip', 'hello')), 'bad_archive');
  });

  it('have digests that change with everything a snapshot depends on', async () => {
    const path = await put('digest.js', '1');
    const digests = await Promise.all([
      packager.fromPath(path),
      packager.fromPath(path, { main: 'other' }),
      packager.fromPath(path, { env: { A: '1' } }),
      packager.fromPath(path, { kind: 'nodejs:22' }),
      packager.fromPath(path, { limits: { memoryBytes: 128 * 1024 * 1024 } }),
      packager.fromPath(await put('digest2.js', '2')),
    ]).then((actions) => actions.map((action) => action.digest));
    assert.equal(new Set(digests).size, digests.length);
    assert.equal((await packager.fromPath(path, { limits: { timeoutMs: 5 } })).digest, digests[0]);
    assert.notEqual((await packager.fromPath(path, { name: 'guest/other' })).digest, digests[0]);
  });

  it('refuse an entry point that is no name', async () => {
    await rejects(packager.fromPath(await put('m.js', '1'), { main: 'a b' }), 'bad_main');
  });
});

describe('folders', () => {
  it('become images, the same for the same content', async () => {
    await put('one/index.js', 'exports.main = () => ({})');
    await put('one/lib/x.js', '1');
    await put('two/lib/x.js', '1');
    await put('two/index.js', 'exports.main = () => ({})');
    const one = await packager.fromPath(join(dir, 'one'));
    const two = await packager.fromPath(join(dir, 'two'));
    assert.equal(one.code.type, 'image');
    assert.deepEqual(one.code, two.code);
    assert.notEqual(one.digest, two.digest);
  });

  it('need an entry point of one language', async () => {
    await put('none/readme.md', 'x');
    await put('both/index.js', 'x');
    await put('both/__main__.py', 'x');
    await rejects(packager.fromPath(join(dir, 'none')), 'no_entry_point');
    await rejects(packager.fromPath(join(dir, 'both')), 'unknown_code', /both/);
    await rejects(packager.fromPath(join(dir, 'one'), { kind: 'python:3.11' }), 'no_entry_point');
    assert.equal((await packager.fromPath(join(dir, 'both'), { kind: 'python:3.11' })).kind, 'python:3.11');
  });

  it('may hold links that stay inside, no others', async () => {
    await put('links/index.js', 'x');
    await put('links/a/real.js', 'x');
    await symlink('../a/real.js', join(dir, 'links/a/near.js'));
    await packager.fromPath(join(dir, 'links'));
    await symlink('../../one/index.js', join(dir, 'links/a/far.js'));
    await rejects(packager.fromPath(join(dir, 'links')), 'unsafe_path', /far\.js/);
  });

  it('bring in packages that a workspace hoisted, each version where it is found', async () => {
    const manifest = (dependencies: Record<string, string>) => JSON.stringify({ dependencies });
    await put('ws/node_modules/a/package.json', manifest({ b: '1' }));
    await put('ws/node_modules/a/node_modules/b/package.json', '{"version":"1.0.0"}');
    await put('ws/node_modules/b/package.json', manifest({ '@s/c': '1' }));
    await put('ws/node_modules/@s/c/package.json', manifest({ a: '1' }));
    await put('ws/fn/package.json', manifest({ a: '1', b: '2' }));
    await put('ws/fn/index.js', 'x');
    const { readFolder } = await import('../../src/action/folder.ts');
    const paths = (await readFolder(join(dir, 'ws/fn'))).finish().map((entry) => entry.path);
    for (const path of [
      'node_modules/a/package.json',
      'node_modules/a/node_modules/b/package.json',
      'node_modules/b/package.json',
      'node_modules/@s/c/package.json',
    ]) {
      assert.ok(paths.includes(path), path);
    }
    await put('ws/fn/package.json', manifest({ absent: '1' }));
    await rejects(packager.fromPath(join(dir, 'ws/fn')), 'missing_package', /absent/);
  });
});

describe('archives', () => {
  it('are read from zip and .tar.gz, with the same result as a folder', async () => {
    const files = { 'index.js': 'exports.main = () => ({})', 'lib/x.js': '1' };
    const zip = await packager.fromPath(await put('one.zip', await zipOf(files)));
    const tgz = join(dir, 'one.tar.gz');
    await create({ gzip: true, file: tgz, cwd: join(dir, 'one') }, ['.']);
    assert.deepEqual((await packager.fromPath(tgz)).code, zip.code);
    assert.deepEqual((await packager.fromPath(join(dir, 'one'))).code, zip.code);
    const exec = { kind: 'nodejs:default', code: (await zipOf(files)).toString('base64'), binary: true };
    const viaApi = await packager.fromExec(exec, { name: 'guest/one' });
    assert.deepEqual(viaApi.code, zip.code);
    assert.equal(viaApi.name, 'guest/one');
  });

  it('with unsafe paths are refused', async () => {
    for (const name of ['../evil.js', 'a/../../evil.js', '/etc/evil.js', 'C:/evil.js', 'a\\b.js']) {
      await rejects(packager.fromPath(await put('unsafe.zip', rawZip([{ name, data: 'x' }]))), 'unsafe_path');
    }
    const links = (target: string) => [
      { name: 'index.js', data: 'x' },
      { name: 'link', data: target, mode: 0o120777 },
    ];
    await rejects(
      packager.fromPath(await put('l1.zip', rawZip(links('/etc/passwd')))),
      'unsafe_path',
      /absolute/,
    );
    await rejects(packager.fromPath(await put('l2.zip', rawZip(links('../up')))), 'unsafe_path', /leads out/);
    await rejects(packager.fromPath(await put('l3.zip', rawZip(links('link')))), 'unsafe_path', /circle/);
    const below = [...links('index.js'), { name: 'link/x', data: 'x' }];
    await rejects(packager.fromPath(await put('l4.zip', rawZip(below))), 'unsafe_path', /symlink/);
    const device = [{ name: 'dev', data: '', mode: 0o060644 }];
    await rejects(packager.fromPath(await put('dev.zip', rawZip(device))), 'unsafe_path');
  });

  it('with a name twice, encrypted, cut off or lying are refused', async () => {
    const item = { name: 'index.js', data: 'x' };
    await rejects(packager.fromPath(await put('d.zip', rawZip([item, item]))), 'duplicate_name');
    await rejects(
      packager.fromPath(await put('e.zip', rawZip([{ ...item, flags: 1 }]))),
      'encrypted_archive',
    );
    const cut = rawZip([item]).subarray(0, 60);
    await rejects(packager.fromPath(await put('c.zip', cut)), 'bad_archive');
    const short = rawZip([{ name: 'index.js', data: 'long text', size: 3 }]);
    await rejects(packager.fromPath(await put('s.zip', short)), 'bad_archive');
    const broken = rawZip([item]);
    broken.writeUInt8((broken[broken.length - 22 - 8 - 32] ?? 0) ^ 1, broken.length - 22 - 8 - 30);
    await rejects(packager.fromPath(await put('crc.zip', broken)), 'bad_archive');
    await rejects(packager.fromPath(await put('t.tar.gz', gzipSync('no tar'))), 'bad_archive');
    const twice = gzipSync(gzipSync(Buffer.alloc(4096)));
    await rejects(packager.fromPath(await put('tt.tar.gz', twice)), 'bad_archive', /twice/);
  });

  it('that are bombs are refused before they unpack', async () => {
    const zeros = Buffer.alloc(40 * 1024 * 1024);
    await rejects(
      packager.fromPath(await put('b.zip', rawZip([{ name: 'index.js', data: zeros }]))),
      'archive_bomb',
    );
    await rejects(packager.fromPath(await put('b.tar.gz', gzipSync(zeros))), 'archive_bomb');
  });

  it('that are larger than an action may be are refused', async () => {
    await rejects(packager.fromPath(await put('huge.zip', Buffer.alloc(49 * 1024 * 1024))), 'code_too_large');
  });

  it('with the entry point in a folder inside are refused', async () => {
    const zip = await zipOf({ 'fn/index.js': 'x' });
    await rejects(packager.fromPath(await put('deep.zip', zip)), 'no_entry_point', /root/);
  });
});

describe('API requests', () => {
  it('take code as text', async () => {
    const exec = { kind: 'python:default', code: 'def main(args): return args' };
    const action = await packager.fromExec(exec, { name: 'guest/f' });
    assert.equal(action.code.type === 'source' && action.code.filename, '__main__.py');
  });

  it('are refused when they say binary and are not', async () => {
    const exec = { kind: 'nodejs:default', code: 'abcd', binary: true };
    await rejects(packager.fromExec(exec, { name: 'guest/f' }), 'bad_archive');
  });
});
