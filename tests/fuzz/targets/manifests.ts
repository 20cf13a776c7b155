/** Manifests of stored snapshots, signed by whoever holds the key. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import {
  finishManifest,
  type Manifest,
  RejectedError,
  readManifest,
  writeManifest,
} from '../../../src/store/manifest.ts';
import { allowing, type Target } from '../target.ts';

const KEY = Buffer.alloc(32, 7);
const SUM = 'a'.repeat(64);

const MANIFEST: Manifest = finishManifest({
  id: '0123456789abcdef',
  kind: 'function',
  of: 'guest/f',
  digest: SUM,
  parent: { id: 'fedcba9876543210', content: SUM },
  identity: { libosId: 'x', plan: 4, xstateBytes: 2696, cpu: 'y' },
  images: [{ name: 'root.erofs', bytes: 4096 }],
  plan: { name: '0123456789abcdef-01234567.plan', bytes: 4096, checksum: SUM },
  layer: { name: '0123456789abcdef-01234567.layer', bytes: 8192, checksum: SUM },
  interpreter: null,
  fixed: '{"model":["small",1.0,null]}',
  captured: { ownPages: 2, sharedPages: 3, maps: 4, runs: 5 },
  savedMs: 1.5,
  createdMs: 1700000000000,
});

/** The text as it is, and with a signature that fits. */
function signed(input: Buffer): string[] {
  const text = input.toString('utf8');
  const fields = allowing(
    (error) => error instanceof SyntaxError,
    () => JSON.parse(text) as unknown,
  );
  if (typeof fields !== 'object' || fields === null) return [text];
  const { mac: _mac, ...rest } = fields as { mac?: unknown };
  const mac = createHmac('sha256', KEY).update(JSON.stringify(rest)).digest('hex');
  return [text, JSON.stringify({ ...rest, mac })];
}

export const manifests: Target = {
  name: 'manifests',
  seeds: () => [
    Buffer.from(writeManifest(MANIFEST, KEY)),
    Buffer.from(writeManifest({ ...MANIFEST, parent: null, layer: null, fixed: null }, KEY)),
  ],
  one: (input) => {
    for (const text of signed(input)) {
      const read = allowing(
        (error) => error instanceof RejectedError,
        () => readManifest(text, KEY),
      );
      if (read === undefined) continue;
      for (const { name } of [read.plan, ...(read.layer === null ? [] : [read.layer])]) {
        assert.match(name, /^[0-9a-f]{16}-[0-9a-f]{8}\.(plan|layer)$/);
      }
      assert.deepEqual(readManifest(writeManifest(read, KEY), KEY), read);
    }
  },
};
