// `npm run fuzz -- [TARGET…] [--seconds N] [--seed S] [--out DIR]`: damaged inputs for what takes
// bytes of those who are not trusted. `npm run fuzz -- TARGET FILE…` tries these files alone.
// Targets: tests/fuzz/*.c and tests/fuzz/targets/.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE = join(root, 'node_modules/.bin/node');
const C_TARGETS = {
  link: 'packets on the link of a context (tender)',
  plan: 'plans of stored snapshots (tender)',
  maps: 'memory maps as text (tender)',
  hostfs: 'calls for files of the host (tender)',
  elf: 'programs that are loaded (library OS)',
  erofs: 'file-system images (library OS)',
};
const TS_TARGETS = {
  frames: 'frames of the control protocol',
  answers: 'lines of a driver',
  manifests: 'manifests of stored snapshots',
  zips: 'zip archives',
  tarballs: 'tar archives',
  texts: 'JSON texts of clients and functions',
  elves: 'ELF files that functions are named by',
  requests: 'HTTP requests',
};
const HELP = `Usage: npm run fuzz -- [TARGET…] [options]
       npm run fuzz -- TARGET FILE…

Options:
  --seconds N  for each target (default: 60)
  --seed S     of the series of inputs; the same seed, the same series (default: a new one, which is told)
  --out DIR    where inputs that failed are kept (default: build/fuzz)
  --help

Targets (default: all):
${Object.entries({ ...C_TARGETS, ...TS_TARGETS })
  .map(([name, what]) => `  ${name.padEnd(12)} ${what}`)
  .join('\n')}

Exit status: 0 nothing failed, 1 an input failed and is kept, 2 wrong usage.`;

function usage(message) {
  console.error(`seuss: ${message}\n       See npm run fuzz -- --help`);
  process.exit(2);
}

function read() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
        out: { type: 'string', default: join(root, 'build/fuzz') },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage(error.message);
  }
}

function command(target, args) {
  if (target in C_TARGETS) return [join(root, 'build/tests/fuzz', target), args];
  return [NODE, [join(root, 'tests/fuzz/run.ts'), target, ...args]];
}

let child;

function run(target, args) {
  const [program, words] = command(target, args);
  child = spawn(program, words, { stdio: 'inherit' });
  return new Promise((done) => {
    child.on('error', (error) => {
      console.error(`seuss: ${target}: ${error.message}`);
      done(false);
    });
    child.on('exit', (status) => done(status === 0));
  });
}

const { values, positionals } = read();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const known = { ...C_TARGETS, ...TS_TARGETS };
const named = positionals.filter((word) => word in known);
const files = positionals.filter((word) => !(word in known)).map((file) => resolve(file));
const missing = files.find((file) => !existsSync(file));
if (missing !== undefined) usage(`${missing} is neither a target nor a file`);
if (files.length > 0 && named.length !== 1) usage('files go with one target');
for (const option of ['seconds', 'seed']) {
  if (!/^\d+$/.test(values[option])) usage(`--${option} is a whole number`);
}
const targets = named.length > 0 ? named : Object.keys(known);
if (targets.some((target) => target in C_TARGETS)) {
  const { status } = spawnSync('make', ['-s', '-j2', '-C', join(root, 'tests/fuzz')], { stdio: 'inherit' });
  if (status !== 0) process.exit(2);
}
mkdirSync(values.out, { recursive: true });
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopped = true;
    child?.kill(signal);
  });
}
const failed = [];
for (const target of targets) {
  if (stopped) break;
  if (files.length === 0) console.log(`— ${target}: ${known[target]}, --seed ${values.seed}`);
  const options = ['--seconds', values.seconds, '--seed', values.seed, '--out', values.out];
  if (!(await run(target, files.length > 0 ? files : options)) && !stopped) failed.push(target);
}
if (failed.length > 0) {
  console.error(`seuss: failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
