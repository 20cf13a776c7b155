// `npm test`: build, lint, type check, tests of the C parts, tests of the node.
// `npm test -- PATTERN…` runs only the test files whose paths below tests/ hold a pattern:
// `npm test -- unit`.
// With --long (`npm run test:long`) those that have a long form take it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules/.bin');

/** More would only wait for each other: a node under test keeps two cores busy. */
const FILES_AT_ONCE = 4;

function run(title, command, args) {
  console.log(`— ${title}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`seuss: ${title} failed${error === undefined ? '' : `: ${error.message}`}`);
    process.exit(status ?? 1);
  }
}

function testFiles(patterns) {
  const files = readdirSync(join(root, 'tests'), { recursive: true }).map((name) => join('tests', name));
  const chosen = files.filter(
    (path) =>
      path.endsWith('.test.ts') &&
      (patterns.length === 0 || patterns.some((part) => relative('tests', path).includes(part))),
  );
  return chosen.sort();
}

const patterns = process.argv.slice(2).filter((word) => word !== '--long');
if (process.argv.includes('--long')) process.env.SEUSS_STRESS = '1';
console.log('— build');
if (!build()) {
  process.exit(1);
}
if (patterns.length === 0) {
  run('lint', join(bin, 'biome'), ['check', '--error-on-warnings']);
  run('type check', join(bin, 'tsc'), []);
  for (const part of ['libos', 'tender']) {
    run(`tests of ${part}`, 'make', ['-s', '-C', join('tests', part), 'check']);
  }
}
const concurrency = Math.min(availableParallelism(), FILES_AT_ONCE);
run('tests of the node', join(bin, 'node'), [
  '--test',
  `--test-concurrency=${concurrency}`,
  `--test-timeout=${process.env.SEUSS_STRESS ? 7_200_000 : 600_000}`,
  ...testFiles(patterns),
]);
