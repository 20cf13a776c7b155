/**
 * Parts of CPython's test suite in UCs, more of them with --long. It needs Debian's libpython3.11-testsuite.
 */
import { describe, it } from 'node:test';
import { compareModule, suiteIsInstalled, suiteModules } from '../compat/regression.ts';

const SHORT = ['test_json', 'test_re', 'test_hashlib', 'test_random', 'test_os'];
/** What waits for timers, sockets and threads most of its time. */
const LONG = ['test_threading', 'test_asyncio', 'test_socket', 'test_ssl'];
const MODULES = process.env.SEUSS_STRESS === '1' ? [...SHORT, ...LONG] : SHORT;

const skip = suiteIsInstalled() ? false : 'libpython3.11-testsuite is not installed';
describe("CPython's tests in a UC", { concurrency: 2, skip }, () => {
  for (const name of suiteModules(MODULES)) {
    it(name, (t) => compareModule(name, t));
  }
});
