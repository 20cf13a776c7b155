import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { JsonText } from '../json/json-text.ts';
import { storeIdentity } from './identity.ts';

/** Raised when the fields of a manifest change their meaning. */
const MANIFEST_VERSION = 2;
/** Far above what any has. */
export const MANIFEST_BYTES_MAX = 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const snapshotIdPattern = /^[0-9a-f]{16}$/;
const snapshotId = z.string().regex(snapshotIdPattern);

/** A file beside the manifest. */
const pageFile = z.strictObject({
  name: z.string().regex(/^[0-9a-f]{16}-[0-9a-f]{8}\.(plan|layer)$/),
  bytes: count,
  /** As `measureFile` has it. */
  checksum: sha256,
});

const manifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  id: snapshotId,
  kind: z.enum(['runtime', 'function', 'argument', 'capture']),
  /** Runtime kind or action name. */
  of: z.string(),
  /** Digest of the action; null for a runtime. */
  digest: sha256.nullable(),
  /** `content` of a parent says which bytes the snapshot builds on. */
  parent: z.strictObject({ id: snapshotId, content: sha256 }).nullable(),
  identity: storeIdentity,
  /** File names and sizes of its images, in window order; the names hold digests of their content. */
  images: z.array(z.strictObject({ name: z.string(), bytes: count })).max(8),
  plan: pageFile,
  layer: pageFile.nullable(),
  content: sha256,
  /** What its interpreter says of itself; null below the runtime's. */
  interpreter: z.string().nullable(),
  /** Arguments that an argument snapshot fixes, as a JSON text: a number in it keeps its digits. */
  fixed: z.string().refine(JsonText.isObject).nullable(),
  captured: z.strictObject({ ownPages: count, sharedPages: count, maps: count, runs: count }),
  savedMs: z.number(),
  createdMs: z.number(),
});
export type Manifest = z.infer<typeof manifest>;
export type PageFile = z.infer<typeof pageFile>;
/** What the store adds is left out. */
export type ManifestContent = Omit<Manifest, 'version' | 'content'>;

/** Why a stored snapshot is not used; the message completes "… is not used: ". */
export class RejectedError extends Error {
  override readonly name = 'RejectedError';
}

/** Names exactly these bytes on exactly these ancestors. */
function contentOf({ parent, plan, layer }: ManifestContent): string {
  return createHash('sha256')
    .update(JSON.stringify([parent?.content ?? null, plan.checksum, layer?.checksum ?? null]))
    .digest('hex');
}

export function pageFiles({ plan, layer }: Pick<Manifest, 'plan' | 'layer'>): PageFile[] {
  return layer === null ? [plan] : [plan, layer];
}

export function finishManifest(content: ManifestContent): Manifest {
  return { version: MANIFEST_VERSION, ...content, content: contentOf(content) };
}

/** The manifest's file: one JSON object, the last field of which authenticates the others. */
export function writeManifest(value: Manifest, key: Buffer): string {
  return `${JSON.stringify({ ...value, mac: macOf(value, key) }, undefined, 1)}\n`;
}

/** @throws RejectedError */
export function readManifest(text: string, key: Buffer): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RejectedError('its manifest is damaged');
  }
  const fields: object = typeof json === 'object' && json !== null ? json : {};
  const { mac, ...rest } = fields as { mac?: unknown };
  // Before anything in it is believed, even its version.
  if (typeof mac !== 'string' || !equal(mac, macOf(rest, key))) {
    throw new RejectedError('its manifest is damaged, or was not written by this store');
  }
  const parsed = manifest.safeParse(rest);
  if (!parsed.success || parsed.data.content !== contentOf(parsed.data)) {
    throw new RejectedError('its manifest is of another version');
  }
  return parsed.data;
}

function macOf(fields: object, key: Buffer): string {
  return createHmac('sha256', key).update(JSON.stringify(fields)).digest('hex');
}

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
