import { describe, it } from 'node:test';
import { comparePrograms } from '../compat/compare.ts';
import { buildGuest, guestNames } from '../compat/guests.ts';

describe('promises of the library OS', { concurrency: 2 }, () => {
  for (const name of guestNames()) {
    it(name, (t) => comparePrograms({ name, argv: [buildGuest(name)], cwd: '{tmp}', tests: true }, t));
  }
});
