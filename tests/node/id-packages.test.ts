/**
 * Packages that make ids or salts, in functions that have been recaptured: no two of 1,000
 * clones say the same, and what cannot be recaptured is known. With SEUSS_STRESS=1 alone: it
 * installs the packages.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createPackager } from '../../src/cli/with-node.ts';
import type { Action } from '../../src/contract/action.ts';
import type { ComputeNode } from '../../src/contract/node.ts';
import { startComputeNode } from '../../src/node/start-node.ts';
import { NODEJS, PYTHON } from '../support/actions.ts';
import { answerOf } from '../support/clones.ts';

const CLONES = 1000;
/** Clones that are there at once. */
const AT_ONCE = 8;
const RUNS = 40;
/** A stock of nanoid serves 128 ids, and three fillings have to be seen. */
const RUNS_OF_STOCKS = 300;
const MEMORY_BYTES = 512 * 1024 * 1024;

/** Name and version of a package, a function that has ids of it, and why it is not recaptured. */
type Package = readonly [name: string, version: string, source: string, kept?: RegExp];

const NPM: readonly Package[] = [
  [
    'bson',
    '7.3.4',
    "const { ObjectId } = require('bson'); exports.main = () => ({ id: new ObjectId().toHexString() });",
  ],
  [
    'mongodb',
    '7.9.0',
    `const { ObjectId, UUID } = require('mongodb');
     exports.main = () => ({ id: new ObjectId().toHexString(), uuid: new UUID().toString() });`,
  ],
  ['uuid', '14.0.3', "const { v4, v7 } = require('uuid'); exports.main = () => ({ id: v4(), v7: v7() });"],
  ['ulid', '3.0.2', "const { ulid } = require('ulid'); exports.main = () => ({ id: ulid() });"],
  ['nanoid', '5.1.16', "const { nanoid } = require('nanoid'); exports.main = () => ({ id: nanoid() });"],
  ['cuid', '3.0.0', "const cuid = require('cuid'); exports.main = () => ({ id: cuid() });"],
  [
    'ksuid',
    '3.0.0',
    "const ksuid = require('ksuid'); exports.main = () => ({ id: ksuid.randomSync().string });",
  ],
  [
    'shortid',
    '2.2.17',
    "const { generate } = require('shortid'); exports.main = () => ({ id: generate() });",
  ],
  [
    'chance',
    '1.1.13',
    "const Chance = require('chance'); exports.main = () => ({ id: new Chance().guid() });",
  ],
  [
    'bcryptjs',
    '3.0.3',
    "const { genSaltSync } = require('bcryptjs'); exports.main = () => ({ id: genSaltSync(4) });",
  ],
  [
    'short-uuid',
    '6.0.3',
    "const { generate } = require('short-uuid'); exports.main = () => ({ id: generate() });",
  ],
  [
    'crypto-random-string',
    '5.0.0',
    `const { default: text } = require('crypto-random-string');
     exports.main = () => ({ id: text({ length: 20 }) });`,
  ],
  [
    '@node-rs/argon2',
    '2.2.1',
    `const { hashSync } = require('@node-rs/argon2');
     exports.main = () => ({ id: hashSync('x', { memoryCost: 1024, timeCost: 2, parallelism: 1 }) });`,
    /native code/,
  ],
  [
    '@node-rs/bcrypt',
    '2.0.0',
    `const { hashSync } = require('@node-rs/bcrypt');
     exports.main = () => ({ id: hashSync('x', { cost: 4 }) });`,
    /native code/,
  ],
  [
    '@faker-js/faker',
    '10.6.0',
    "const { faker } = require('@faker-js/faker'); exports.main = () => ({ id: faker.string.uuid() });",
    /Math\.random/,
  ],
  [
    'hyperid',
    '4.0.0',
    "const next = require('hyperid')(); exports.main = () => ({ id: next() });",
    /crypto\.randomUUID/,
  ],
];

const PYPI: readonly Package[] = [
  [
    'numpy',
    '2.4.6',
    `import numpy
rng = numpy.random.default_rng()
def main(args):
    return {'id': float(rng.random()), 'made': float(numpy.random.default_rng().random()),
            'global': float(numpy.random.random())}`,
  ],
  [
    'faker',
    '40.63.0',
    "from faker import Faker\nfake = Faker()\ndef main(args):\n    return {'id': fake.uuid4()}",
  ],
  ['pymongo', '4.20.1', "from bson import ObjectId\ndef main(args):\n    return {'id': str(ObjectId())}"],
  ['shortuuid', '1.0.13', "import shortuuid\ndef main(args):\n    return {'id': shortuuid.uuid()}"],
];

/** Libraries of the host that packages with native code want; those that an image has are left alone. */
const LIBRARIES = ['libpthread.so.0', 'librt.so.1', 'libdl.so.2', 'libgcc_s.so.1', 'libstdc++.so.6'];
const RTLD_KEPT = 0x1102;
const PRELOAD: Record<string, string> = {
  [NODEJS]: `for (const name of ${JSON.stringify(LIBRARIES)})
    try { process.dlopen({ exports: {} }, '/action/lib/' + name, ${RTLD_KEPT}); } catch {}
`,
  [PYTHON]: `import ctypes
for name in ${JSON.stringify(LIBRARIES)}:
    try: ctypes.CDLL('/action/lib/' + name, ctypes.RTLD_GLOBAL)
    except OSError: pass
`,
};

let dir: string;
let node: ComputeNode;
const packager = createPackager();

function install(): void {
  const versions = (all: readonly Package[], mark: string) =>
    all.map(([name, version]) => name + mark + version);
  for (const kind of [NODEJS, PYTHON]) {
    const lib = join(dir, kind, 'lib');
    mkdirSync(lib, { recursive: true });
    for (const name of LIBRARIES) {
      const path = join('/lib/x86_64-linux-gnu', name);
      if (existsSync(path)) copyFileSync(path, join(lib, name));
    }
  }
  const [js, py] = [join(dir, NODEJS), join(dir, PYTHON)];
  writeFileSync(join(js, 'package.json'), '{"main":"index.js"}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-bin-links', '--silent'];
  execFileSync('npm', ['install', ...flags, ...versions(NPM, '@')], { cwd: js });
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--target', py];
  execFileSync('python3.11', [...pip, ...versions(PYPI, '==')], { stdio: 'ignore' });
}

function actionOf(kind: string, source: string): Promise<Action> {
  const folder = join(dir, kind);
  writeFileSync(join(folder, kind === NODEJS ? 'index.js' : '__main__.py'), PRELOAD[kind] + source);
  return packager.fromPath(folder, { kind, limits: { memoryBytes: MEMORY_BYTES } });
}

async function assertClonesDiffer(action: Action): Promise<void> {
  const seen = new Map<string, Set<unknown>>();
  for (let clones = 0; clones < CLONES; ) {
    await node.dropIdle(action);
    const all = await Promise.all(Array.from({ length: AT_ONCE }, () => node.invoke(action, {})));
    for (const activation of all) {
      // One that is quick serves the next one, too.
      clones += Number(activation.path === 'warm');
      for (const [name, value] of Object.entries(answerOf(activation))) {
        const values = seen.get(name) ?? new Set();
        assert.ok(!values.has(value), `${name}: ${value}`);
        seen.set(name, values.add(value));
      }
    }
  }
}

describe('functions with packages that make ids', { skip: process.env.SEUSS_STRESS !== '1' }, () => {
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'seuss-ids-'));
    install();
    node = await startComputeNode({ preboot: [NODEJS, PYTHON], without: ['recapture'] });
  });
  after(async () => {
    await node?.close();
    rmSync(dir, { recursive: true });
  });

  for (const [kind, packages] of [
    [NODEJS, NPM],
    [PYTHON, PYPI],
  ] as const) {
    for (const [name, , source, kept] of packages) {
      it(`${name} (${kind})`, async () => {
        const action = await actionOf(kind, source);
        for (let run = 0; run < (name === 'nanoid' ? RUNS_OF_STOCKS : RUNS); run++) {
          answerOf(await node.invoke(action, {}));
        }
        if (kept === undefined) {
          assert.equal(await node.recapture(action), true);
          await assertClonesDiffer(action);
        } else {
          await assert.rejects(node.recapture(action), { code: 'keeps_random', message: kept });
        }
        await node.forget(action);
      });
    }
  }
});
