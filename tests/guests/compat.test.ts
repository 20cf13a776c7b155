/**
 * Real programs in UCs, with Linux as the oracle: lists/*.json, tests/compat.
 */
import { describe, it } from 'node:test';
import { comparePrograms } from '../compat/compare.ts';
import { readList } from '../compat/programs.ts';

for (const list of ['coreutils', 'tools', 'python', 'nodejs']) {
  describe(`${list} in a UC`, { concurrency: 2 }, () => {
    for (const program of readList(list)) {
      it(program.name, (t) => comparePrograms(program, t));
    }
  });
}
