import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { packageDir } from '../../src/contract/paths.ts';
import { CONTROL_CAPTURE_KEEP, ExitReason } from '../../src/tender/abi.gen.ts';
import {
  decodeCaptured,
  decodeCompacted,
  decodeControlExit,
  decodeDemoted,
  decodeDiff,
  decodeHello,
  decodeInspected,
  decodeLinkExit,
  decodeMaps,
  decodeStarted,
  decodeStat,
  decodeStored,
} from '../../src/tender/replies.ts';
import {
  encodeBoot,
  encodeCapture,
  encodeDeploy,
  encodeDiff,
  encodeLoad,
  encodeStore,
} from '../../src/tender/requests.ts';

describe('the control protocol as the C headers have it', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'seuss-abi-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Compiles and runs a program over the headers; returns what it writes. */
  function run(body: string): Buffer {
    const source = join(dir, 'probe.c');
    const headers = ['control', 'layout', 'link', 'plan']
      .map((name) => `#include "abi/${name}.h"\n`)
      .join('');
    writeFileSync(source, `#include <stdio.h>\n${headers}int main(void)\n{\n${body}\n}\n`);
    execFileSync('cc', ['-I', packageDir, '-o', join(dir, 'probe'), source]);
    return execFileSync(join(dir, 'probe'));
  }

  it('has the constants, sizes and offsets that were generated from them', () => {
    execFileSync(process.execPath, [join(packageDir, 'scripts/abi.mjs'), '--check'], { stdio: 'pipe' });
  });

  it('decodes every field of what the tender sends', () => {
    const emit = (name: string, init: string): Buffer =>
      run(`struct ${name} s = { ${init} }; fwrite(&s, sizeof(s), 1, stdout);`);
    assert.deepEqual(decodeHello(emit('control_hello', '1, 2, 3, 4, 0xfedcba9876543210ull, 0x5e550000, 1')), {
      version: 1,
      pid: 2,
      cpu: 3,
      xstateBytes: 4,
      libosId: 'fedcba9876543210',
      ucUser: 0x5e550000,
      inMemoryGroup: true,
    });
    assert.deepEqual(decodeStarted(emit('control_started', '1ull << 40, 3')), {
      processNs: 2 ** 40,
      deployNs: 3,
    });
    assert.deepEqual(decodeCaptured(emit('control_captured', '1, 2, 3, 4, 5, 6, 7, 1ull << 47')), {
      parent: 1,
      ownPages: 2,
      sharedPages: 3,
      maps: 4,
      runs: 5,
      stopNs: 6,
      copyNs: 7,
      rip: 2 ** 47,
    });
    assert.deepEqual(decodeDemoted(emit('control_demoted', '1ull << 35, 2, 3, 4')), {
      remainsBytes: 2 ** 35,
      pages: 2,
      ownPages: 3,
      stopNs: 4,
    });
    assert.deepEqual(decodeCompacted(emit('control_compacted', '1ull << 33, 7, 0')), {
      bytes: 2 ** 33,
      pages: 7,
    });
    const inspected = decodeInspected(
      emit(
        'control_inspected',
        `1, 2, 3, 4, CONTROL_FORM_WORDS, 5, 6, 7, 8, 0x90, 0xa0,
         { 11, 12, 13, [6] = 17, [7] = 18, [15] = ~0ull }, 1ull << 40, 0x202, 0x1000, 9, 0`,
      ),
    );
    const { registers, ...rest } = inspected;
    assert.deepEqual(rest, {
      ownBytes: 2,
      ownPages: 3,
      sharedPages: 4,
      form: 'words',
      maps: 5,
      layers: 6,
      images: 7,
      clockMonotonicNs: 8,
      rip: 2 ** 40,
      guestRip: 0x1000,
      ownSource: 9,
    });
    const { rax, rbx, rcx, rdx, rbp, rsp, r15, rflags, fsBase, gsBase } = registers;
    assert.deepEqual(
      [rax, rbx, rcx, rdx, rbp, rsp, r15, rflags, fsBase, gsBase],
      [11n, 12n, 13n, 0n, 17n, 18n, 0xffff_ffff_ffff_ffffn, 0x202n, 0x90n, 0xa0n],
    );
    assert.deepEqual(
      decodeDiff(
        Buffer.concat([
          emit('control_diff_run', '4096, 8192, CONTROL_DIFF_BYTES, 3'),
          emit('control_diff_run', '1ull << 35, 4096, CONTROL_DIFF_ONLY_B, 0'),
        ]),
      ),
      [
        { start: 4096, bytes: 8192, kind: 'bytes', words: 3 },
        { start: 2 ** 35, bytes: 4096, kind: 'onlyB', words: 0 },
      ],
    );
    assert.throws(() => decodeDiff(emit('control_diff_run', '0, 4096, 9, 0')), RangeError);
    assert.deepEqual(decodeStored(emit('control_stored', '1ull << 34, 2')), {
      planBytes: 2 ** 34,
      layerBytes: 2,
    });
    assert.deepEqual(decodeStat(emit('control_stat', "1, 2, 3, 4, 5, 'S'")), {
      privateBytes: 1,
      sharedBytes: 2,
      pageTableBytes: 3,
      cpuNs: 4,
      state: 'S',
      isDemoted: false,
    });
    assert.deepEqual(decodeControlExit(emit('control_exit', '-1, CONTROL_EXIT_MEMORY, 3, 4')), {
      waitStatus: -1,
      reason: ExitReason.memory,
      cpuNs: 3,
      maxRssBytes: 4,
    });
    assert.deepEqual(decodeLinkExit(emit('link_exit', '9, 1')), { signal: 9, status: 1 });
    assert.deepEqual(decodeMaps(emit('plan_map', '4096, 8192, 1ull << 33, 8, 5')), [
      { start: 4096, bytes: 8192, offset: 2 ** 33, source: 8, prot: 5 },
    ]);
  });

  it('encodes requests as the structures lie in memory', () => {
    const boot = run(`
      struct control_boot s = { .memory_limit = 1ull << 32, .image_count = 2, .images = { 7, 9 },
        .root = LINK_ROOT_HOST, .trace = 1, .stdin_link = 1, .argc = 2, .envc = 1, .host_root_len = 5,
        .clocks_behind_s = 90 };
      fwrite(&s, sizeof(s), 1, stdout);
      fwrite("a\\0b\\0K=V\\0/w\\0/\\0/r\\0", 16, 1, stdout);`);
    const request = encodeBoot({
      memoryLimitBytes: 2 ** 32,
      images: [7, 9],
      root: { type: 'host', mounts: [{ guestDir: '/', hostDir: '/r' }] },
      trace: true,
      stdinLink: true,
      clocksBehindS: 90,
      argv: ['a', 'b'],
      env: { K: 'V' },
      cwd: '/w',
    });
    assert.deepEqual(request, boot);
    assert.deepEqual(
      encodeCapture(2 ** 33 + 1, CONTROL_CAPTURE_KEEP),
      run('struct control_capture s = { (1ull << 33) + 1, 1, 0 }; fwrite(&s, sizeof(s), 1, stdout);'),
    );
    assert.deepEqual(
      encodeDiff(2 ** 33, 7),
      run('struct control_diff s = { 1ull << 33, 7 }; fwrite(&s, sizeof(s), 1, stdout);'),
    );
    assert.deepEqual(
      encodeDeploy(3, 2 ** 28, true),
      run('struct control_deploy s = { 3, 1 << 28, 1, 0 }; fwrite(&s, sizeof(s), 1, stdout);'),
    );
  });

  it('encodes what concerns the store likewise', () => {
    assert.deepEqual(
      encodeLoad({ snapshot: 2 ** 33, parent: 7, images: [4, 5] }, '/s/a'),
      run(`struct control_load s = { 1ull << 33, 7, 2, { 4, 5 } };
        fwrite(&s, sizeof(s), 1, stdout); fwrite("/s/a", 4, 1, stdout);`),
    );
    assert.deepEqual(
      encodeStore(2 ** 33, '/s/a'),
      run('uint64_t s = 1ull << 33; fwrite(&s, sizeof(s), 1, stdout); fwrite("/s/a", 4, 1, stdout);'),
    );
    assert.throws(() => encodeStore(1, 'a\0b'), TypeError);
  });

  it('refuses a NUL byte in a string and too many images', () => {
    const base = {
      memoryLimitBytes: 1,
      images: [],
      root: { type: 'image' } as const,
      trace: false,
      stdinLink: false,
      argv: ['a'],
      env: {},
      cwd: '/',
    };
    assert.throws(() => encodeBoot({ ...base, argv: ['a\0b'] }), TypeError);
    assert.throws(() => encodeBoot({ ...base, images: Array.from({ length: 9 }, () => 1) }), RangeError);
    assert.throws(() => decodeHello(Buffer.alloc(3)), RangeError);
  });
});
