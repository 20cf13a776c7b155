/** What every driver does before its first message. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { JsonValue } from '../../src/json/json-text.ts';
import { DRIVER_VERSION, DRIVER_VERSION_VARIABLE } from '../../src/runtime/driver-version.ts';
import { Driver } from './harness.ts';
import { bootDriver, type InEach, itInEach, text } from './languages.ts';

describe('the version of the protocol', () => {
  /** Functions that answer with the variables that are the platform's. */
  const sources = {
    nodejs: 'function main() { return Object.keys(process.env).filter((name) => /^SEUSS_/.test(name)); }',
    python: 'import os\ndef main(args): return [name for name in os.environ if name.startswith("SEUSS_")]',
  };
  itInEach(
    'is said at boot, and the variable that tells it is gone',
    sources,
    async ({ command }, source) => {
      await using driver = new Driver(command);
      const { op, protocol } = await driver.receive();
      assert.deepEqual([op, protocol], ['booted', DRIVER_VERSION]);
      await driver.load(source);
      assert.deepEqual((await driver.run()).value, []);
    },
  );

  for (const [title, told, named] of [
    ['another one', String(DRIVER_VERSION + 1), `speaks version ${DRIVER_VERSION + 1}`],
    ['one that only begins as it', `${DRIVER_VERSION}.1`, `speaks version ${DRIVER_VERSION}.1`],
    ['none', undefined, 'names no version'],
  ] as const) {
    itInEach(`is refused if the node's is ${title}`, sources, async ({ command }) => {
      await using driver = new Driver(command, { env: { [DRIVER_VERSION_VARIABLE]: told } });
      await assert.rejects(driver.receive(), /the driver ended/);
      assert.equal(await driver.ended(), 1);
      assert.equal(
        driver.output.stderr,
        `seuss: the node ${named} of the driver protocol, the driver speaks version ${DRIVER_VERSION}\n`,
      );
    });
  }
});

describe('anticipation', () => {
  /** Functions that look for what it may have left, and what they are to find. */
  const found: InEach<readonly [string, JsonValue]> = {
    nodejs: [
      text(
        "const { basename } = require('path'); const vm = require('vm'); const fs = require('fs');",
        'const own = (name) => /^(__OW_|SEUSS_|ANTICIPATED)/.test(name);',
        'function main() {',
        '  const busy = process.getActiveResourcesInfo();',
        '  const modules = Object.keys(require.cache).map((name) => basename(name));',
        '  return {',
        "    resources: busy.filter((name) => name !== 'Immediate' && name !== 'PipeWrap'),",
        "    others: modules.filter((name) => !name.endsWith('.cjs')),",
        '    env: Object.keys(process.env).filter(own), cwd: process.cwd(),',
        "    gc: [typeof gc, vm.runInNewContext('typeof gc')],",
        "    left: fs.readdirSync(require('os').tmpdir()),",
        '  };',
        '}',
      ),
      { resources: [], others: [], env: [], cwd: process.cwd(), gc: ['undefined', 'undefined'], left: [] },
    ],
    python: [
      text(
        'import gc, os, sys, tempfile, threading',
        'def main(args):',
        '    env = [k for k in os.environ if k.startswith(("ANTICIPATED", "__OW_", "SEUSS_"))]',
        '    fds = [fd for fd in range(3, 100) if os.path.lexists(f"/proc/self/fd/{fd}")]',
        '    return {"threads": threading.active_count(), "frozen": gc.get_freeze_count() > 10000,',
        '        "enabled": gc.isenabled(), "path": "drivers" in sys.path[0], "env": env, "fds": fds,',
        '        "cwd": os.getcwd(), "left": os.listdir(tempfile.gettempdir())}',
      ),
      {
        threads: 1,
        frozen: true,
        enabled: true,
        path: false,
        env: [],
        fds: [3],
        cwd: process.cwd(),
        left: [],
      },
    ],
  };
  itInEach('succeeds, says nothing, and leaves nothing behind', found, async (language, [source, value]) => {
    await using driver = await bootDriver(language, true);
    await driver.load(source);
    assert.deepEqual((await driver.run()).value, value);
    assert.deepEqual(await driver.outputOfAll(), { stdout: '', stderr: '' });
  });
});
