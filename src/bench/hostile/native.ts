import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ZipFile } from 'yazl';
import { PlatformError } from '../../contract/errors.ts';
import { packageDir } from '../../contract/paths.ts';

const run = promisify(execFile);

/** A path that is whole is another's. */
function guestFile(name: string): string {
  return resolve(packageDir, 'src/bench/hostile/guests', name);
}

/**
 * Machine code for a hostile function, as an attacker would bring it along: it has the whole of its
 * process in hand.
 * @throws PlatformError `bench_failed` without a C compiler
 */
async function compileNative(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'seuss-hostile-'));
  const output = join(dir, 'native.so');
  const flags = [
    '-std=gnu17',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-nostdlib',
    '-ffreestanding',
    '-fno-stack-protector',
  ];
  try {
    await run(process.env.CC ?? 'cc', [...flags, '-iquote', packageDir, '-o', output, guestFile('native.c')]);
    return await readFile(output);
  } catch (cause) {
    throw new PlatformError(
      'bench_failed',
      `hostile machine code could not be built: ${(cause as Error).message}`,
      {
        remedy: 'sudo apt-get install -y gcc libc6-dev',
        cause,
      },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

let compiled: Promise<Buffer> | undefined;

/** An action's code in base64: a Python module with `native.so` and what drives it beside it. */
export async function nativeArchive(module: string): Promise<string> {
  compiled ??= compileNative();
  const zip = new ZipFile();
  zip.addBuffer(await compiled, 'native.so');
  zip.addBuffer(await readFile(guestFile('toolkit.py')), 'toolkit.py');
  zip.addBuffer(await readFile(guestFile(module)), '__main__.py');
  zip.end();
  return (await buffer(zip.outputStream)).toString('base64');
}
