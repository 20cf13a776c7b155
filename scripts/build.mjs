// Builds the C parts with the system's compiler: `node scripts/build.mjs`. Needs no dependency.
// With --if-possible a missing compiler is only reported: an installation is of use without it, for a while.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function has(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function missingTools() {
  return ['cc', 'make'].filter((command) => !has(command));
}

/** Builds, quietly when all is well; returns true when it worked. */
export function build() {
  const missing = missingTools();
  if (missing.length > 0) {
    console.error(
      `seuss: ${missing.join(' and ')} not found; run: sudo apt-get install -y gcc make libc6-dev`,
    );
    return false;
  }
  for (const part of ['libos', 'tender']) {
    const make = spawnSync('make', ['-s', '-j2', '-C', part], { cwd: root, encoding: 'utf8' });
    if (make.status !== 0) {
      console.error(`${make.stdout}${make.stderr}seuss: building ${part} failed`);
      return false;
    }
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lenient = process.argv.includes('--if-possible') && missingTools().length > 0;
  process.exitCode = build() || lenient ? 0 : 1;
}
