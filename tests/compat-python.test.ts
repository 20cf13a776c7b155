/**
 * Parts of CPython's test suite in UCs. It needs Debian's libpython3.11-testsuite.
 */
import { describe, it } from 'node:test';
import { compareModule, suiteIsInstalled, suiteModules } from './compat/regression.ts';

const MODULES = [
  'test_json',
  'test_re',
  'test_threading',
  'test_asyncio',
  'test_socket',
  'test_ssl',
  'test_hashlib',
  'test_random',
  'test_os',
];

const skip = suiteIsInstalled() ? false : 'libpython3.11-testsuite is not installed';
describe("CPython's tests in a UC", { concurrency: 2, skip }, () => {
  for (const name of suiteModules(MODULES)) {
    it(name, (t) => compareModule(name, t));
  }
});
