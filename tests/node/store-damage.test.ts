/** Stores that somebody or something has changed: nothing of them is resumed, all functions are served. */
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Action } from '../../src/contract/action.ts';
import { measureFile } from '../../src/store/files.ts';
import { finishManifest, readManifest, writeManifest } from '../../src/store/manifest.ts';
import { PYTHON, sourceAction } from '../support/actions.ts';
import { type StoredNode, storeFolder, storeOf, strayFiles, withStore } from '../support/stores.ts';

const FUNCTIONS = 3;
const STRESS = process.env.SEUSS_STRESS === '1';
const FLIPS = STRESS ? 60 : 2;
const actions = Array.from({ length: FUNCTIONS }, (_, i) =>
  sourceAction(
    PYTHON,
    `import time
loaded = time.monotonic()
def main(args):
    return {'n': ${i}, 'forward': time.monotonic() >= loaded}`,
  ),
);

let whole: string;
let removeWhole: (() => void) | undefined;

before(async () => {
  whole = storeFolder({ after: (remove: () => void) => (removeWhole = remove) } as never);
  await withStore(whole, serveAll);
});
after(() => removeWhole?.());

/** Each function answers, from wherever it starts; the paths that they took. */
async function serveAll(node: StoredNode): Promise<string[]> {
  const paths: string[] = [];
  for (const [n, action] of actions.entries()) {
    const { path, result } = await node.invoke(action as Action, {});
    assert.deepEqual(result, { n, forward: true });
    paths.push(path);
  }
  return paths;
}

/** A copy of the whole store in which `change` was made; how its node served, and what it said. */
async function serveChanged(
  t: Parameters<typeof storeFolder>[0],
  change: (dir: string, snapshots: string) => unknown,
): Promise<{ paths: string[]; node: StoredNode; dir: string }> {
  const dir = join(storeFolder(t), 'store');
  cpSync(whole, dir, { recursive: true, preserveTimestamps: true });
  await change(dir, join(dir, 'snapshots'));
  const [paths, node] = await withStore(dir, async (opened) => [await serveAll(opened), opened] as const, {
    cores: 1,
  });
  assert.deepEqual(strayFiles(dir), []);
  if (STRESS) {
    // It was made whole again on the way.
    assert.deepEqual(await withStore(dir, serveAll), ['warm', 'warm', 'warm']);
  }
  return { paths, node, dir };
}

/** All of them in a stress run, else some. */
function someOf<T>(all: readonly T[], count: number): T[] {
  const left = [...all];
  return STRESS ? left : Array.from({ length: count }, () => left.splice(randomInt(left.length), 1)[0] as T);
}

function filesOf(snapshots: string, suffix: string): string[] {
  return readdirSync(snapshots)
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(snapshots, name));
}

function manifestsOf(snapshots: string, kind: string): string[] {
  return filesOf(snapshots, '.json').filter((path) => JSON.parse(readFileSync(path, 'utf8')).kind === kind);
}

function flip(path: string, at = randomInt(statSync(path).size)): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ (1 << randomInt(8));
  writeFileSync(path, bytes);
}

/** Writes a manifest anew as only the owner of the key can. */
function rewrite(dir: string, path: string, change: (fields: Record<string, unknown>) => void): void {
  const key = readFileSync(join(dir, 'key'));
  const fields = JSON.parse(JSON.stringify(readManifest(readFileSync(path, 'utf8'), key)));
  change(fields);
  writeFileSync(path, writeManifest(finishManifest(fields), key));
}

const COLD = ['cold', 'cold', 'cold'];

describe('a store with damage', () => {
  it('serves all functions warm without any', async (t) => {
    const { paths, node } = await serveChanged(t, () => undefined);
    assert.deepEqual(paths, ['warm', 'warm', 'warm']);
    assert.deepEqual(node.reports.warnings, []);
  });

  for (const suffix of ['.plan', '.layer', '.json']) {
    it(`detects a flipped bit of a ${suffix} file, wherever it is`, async (t) => {
      for (let turn = 0; turn < FLIPS; turn++) {
        let flipped = '';
        const { node } = await serveChanged(t, (_, snapshots) => {
          const files = filesOf(snapshots, suffix);
          flipped = files[randomInt(files.length)] as string;
          flip(flipped);
        });
        assert.ok(node.reports.warnings.length > 0, flipped);
        assert.ok(storeOf(node.stats()).rejected > 0);
      }
    });

    it(`detects that a ${suffix} file was cut, emptied or removed`, async (t) => {
      const changes = [
        (path: string) => truncateSync(path, statSync(path).size >> 1),
        (path: string) => truncateSync(path, 0),
        (path: string) => writeFileSync(path, randomBytes(statSync(path).size + 4096)),
        (path: string) => rmSync(path),
        (path: string) => {
          rmSync(path);
          mkdirSync(path);
        },
        (path: string) => {
          const elsewhere = join(path, '../../elsewhere');
          renameSync(path, elsewhere);
          symlinkSync(elsewhere, path);
        },
      ];
      for (const change of someOf(changes, 2)) {
        const { node } = await serveChanged(t, (_, snapshots) =>
          change(filesOf(snapshots, suffix)[0] as string),
        );
        // Without its manifest a snapshot is none.
        const said = [...node.reports.warnings, ...node.reports.infos];
        assert.ok(said.length > 0);
      }
    });
  }

  it('detects files that belong to another snapshot', async (t) => {
    const { paths } = await serveChanged(t, (_, snapshots) => {
      const [a, b] = manifestsOf(snapshots, 'function').map(
        (path) => JSON.parse(readFileSync(path, 'utf8')).plan.name,
      );
      renameSync(join(snapshots, a), join(snapshots, 'x'));
      renameSync(join(snapshots, b), join(snapshots, a));
      renameSync(join(snapshots, 'x'), join(snapshots, b));
    });
    assert.equal(paths.filter((path) => path === 'cold').length, 2);
  });

  it('takes nothing of a store with another key, or one that others can read', async (t) => {
    const changes = [
      (key: string) => writeFileSync(key, randomBytes(32)),
      (key: string) => chmodSync(key, 0o644),
      (key: string) => truncateSync(key, 16),
      (key: string) => rmSync(key),
    ];
    for (const change of someOf(changes, 2)) {
      const { paths, node } = await serveChanged(t, (dir) => change(join(dir, 'key')));
      assert.deepEqual(paths, COLD);
      assert.match(node.reports.warnings.join(), /4 stored snapshots removed: .*not written by this store/);
    }
  });

  it('takes nothing of another build, processor or format', async (t) => {
    const identities = [{ libosId: '0123456789abcdef' }, { cpu: 'x' }, { xstateBytes: 64 }, { plan: 1 }];
    for (const identity of someOf(identities, 2)) {
      const { paths, node } = await serveChanged(t, (dir, snapshots) => {
        for (const path of filesOf(snapshots, '.json')) {
          rewrite(dir, path, (fields) => Object.assign(fields.identity as object, identity));
        }
      });
      assert.deepEqual(paths, COLD);
      assert.match(node.reports.warnings.join(), /it is of another|other features/);
      assert.deepEqual(node.reports.steps, [`Booting ${PYTHON}`]);
    }
  });

  it('takes nothing that builds on other bytes, or on another image', async (t) => {
    const onOther = await serveChanged(t, (dir, snapshots) =>
      rewrite(dir, manifestsOf(snapshots, 'runtime')[0] as string, (fields) => {
        (fields.plan as { checksum: string }).checksum = '0'.repeat(64);
      }),
    );
    assert.deepEqual(onOther.paths, COLD);
    const withImage = await serveChanged(t, (dir, snapshots) =>
      rewrite(dir, manifestsOf(snapshots, 'function')[0] as string, (fields) => {
        (fields.images as { bytes: number }[])[0] = {
          ...(fields.images as { bytes: number }[])[0],
          bytes: 1,
        };
      }),
    );
    assert.equal(withImage.paths.filter((path) => path === 'cold').length, 1);
    assert.match(withImage.node.reports.warnings.join(), /images have changed/);
  });

  it('refuses a plan that its key holder has made up', async (t) => {
    for (let turn = 0; turn < FLIPS; turn++) {
      const { node } = await serveChanged(t, async (dir, snapshots) => {
        const manifest = manifestsOf(snapshots, 'function')[0] as string;
        const { plan } = JSON.parse(readFileSync(manifest, 'utf8'));
        const path = join(snapshots, plan.name);
        // Its head: magic, version, counts, flags.
        flip(path, randomInt(24));
        const { checksum } = await measureFile(path);
        rewrite(dir, manifest, (fields) => Object.assign(fields.plan as object, { checksum }));
      });
      assert.match(node.reports.warnings.join(), /is not used and removed: the tender refused/);
    }
  });

  it('lets time go on in a context of another boot', async (t) => {
    const { paths } = await serveChanged(t, async (dir, snapshots) => {
      // Captured when the host had been up for a year.
      const clock = BigInt(366 * 24 * 3600) * 1_000_000_000n;
      for (const manifest of filesOf(snapshots, '.json')) {
        const { plan } = JSON.parse(readFileSync(manifest, 'utf8'));
        const path = join(snapshots, plan.name);
        const bytes = readFileSync(path);
        bytes.writeBigUInt64LE(clock, 64);
        writeFileSync(path, bytes);
      }
      const measured = new Map<string, string>();
      for (const path of filesOf(snapshots, '.plan')) {
        measured.set(path, (await measureFile(path)).checksum);
      }
      const [runtime] = manifestsOf(snapshots, 'runtime') as [string];
      const functions = manifestsOf(snapshots, 'function');
      const checksumOf = (fields: Record<string, unknown>): string =>
        measured.get(join(snapshots, (fields.plan as { name: string }).name)) as string;
      for (const path of [runtime, ...functions]) {
        rewrite(dir, path, (fields) => {
          Object.assign(fields.plan as object, { checksum: checksumOf(fields) });
          if (path !== runtime) {
            const { content } = JSON.parse(readFileSync(runtime, 'utf8'));
            Object.assign(fields.parent as object, { content });
          }
        });
      }
    });
    assert.deepEqual(paths, ['warm', 'warm', 'warm']);
  });

  it('leaves files of others alone', async (t) => {
    const { dir } = await serveChanged(t, (_, snapshots) =>
      writeFileSync(join(snapshots, '..', 'notes.txt'), 'x'),
    );
    assert.ok(existsSync(join(dir, 'notes.txt')));
  });
});
