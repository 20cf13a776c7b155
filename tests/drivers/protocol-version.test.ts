import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DRIVER_VERSION, DRIVER_VERSION_VARIABLE } from '../../src/runtime/driver-version.ts';
import { Driver, NODEJS, PYTHON } from './harness.ts';

const COMMANDS = { 'Node.js': NODEJS, Python: PYTHON };

/** Its function answers with the variables that are the platform's. */
const OWN_VARIABLES = {
  'Node.js': 'function main() { return Object.keys(process.env).filter((name) => /^SEUSS_/.test(name)); }',
  Python: 'import os\ndef main(args): return [name for name in os.environ if name.startswith("SEUSS_")]',
};

for (const language of ['Node.js', 'Python'] as const) {
  describe(`the version of the protocol, in the ${language} driver`, () => {
    it('is said at boot, and the variable that tells it is gone', async () => {
      await using driver = new Driver(COMMANDS[language]);
      const { op, protocol } = await driver.receive();
      assert.deepEqual([op, protocol], ['booted', DRIVER_VERSION]);
      await driver.load(OWN_VARIABLES[language]);
      assert.deepEqual((await driver.run()).value, []);
    });

    for (const [title, told, named] of [
      ['another one', String(DRIVER_VERSION + 1), `speaks version ${DRIVER_VERSION + 1}`],
      ['one that only begins as it', `${DRIVER_VERSION}.1`, `speaks version ${DRIVER_VERSION}.1`],
      ['none', undefined, 'names no version'],
    ] as const) {
      it(`is refused if the node's is ${title}`, async () => {
        await using driver = new Driver(COMMANDS[language], { env: { [DRIVER_VERSION_VARIABLE]: told } });
        await assert.rejects(driver.receive(), /the driver ended/);
        assert.equal(await driver.ended(), 1);
        assert.equal(
          driver.output.stderr,
          `seuss: the node ${named} of the driver protocol, the driver speaks version ${DRIVER_VERSION}\n`,
        );
      });
    }
  });
}
