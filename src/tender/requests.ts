import { At, CONTROL_IMAGES_MAX, LINK_ROOT_HOST, LINK_ROOT_IMAGE, Size } from './abi.gen.ts';
import { encodeStrings, writeU64 } from './wire.ts';

/** Payloads of abi/control.h that the node sends. */

/** Guest folder and the host folder that serves it. */
export interface HostMount {
  readonly guestDir: string;
  readonly hostDir: string;
}

export type BootRoot =
  | { readonly type: 'image' }
  /** Served file by file; the first mount is `/`. */
  | { readonly type: 'host'; readonly mounts: readonly HostMount[] };

export interface BootRequest {
  readonly memoryLimitBytes: number;
  /** Numbers given to the images, in window order. */
  readonly images: readonly number[];
  readonly root: BootRoot;
  readonly trace: boolean;
  /** False: fd 0 is at end of file. */
  readonly stdinLink: boolean;
  /** Until the guest first writes to /dev/seuss its clocks are behind by so many seconds; then they jump. */
  readonly clocksBehindS?: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface LoadRequest {
  /** Number for the snapshot. */
  readonly snapshot: number;
  /** Number of its parent, or 0. */
  readonly parent: number;
  /** Numbers given to its images, in window order. */
  readonly images: readonly number[];
}

export function encodeBoot(request: BootRequest): Buffer {
  if (request.images.length > CONTROL_IMAGES_MAX) {
    throw new RangeError(`more than ${CONTROL_IMAGES_MAX} images`);
  }
  const environment = Object.entries(request.env).map(([name, value]) => `${name}=${value}`);
  const strings = encodeStrings([...request.argv, ...environment, request.cwd]);
  const mounts = request.root.type === 'host' ? request.root.mounts : [];
  const hostRoot = encodeStrings(mounts.flatMap(({ guestDir, hostDir }) => [guestDir, hostDir]));
  const fixed = Buffer.alloc(Size.boot);
  writeU64(fixed, request.memoryLimitBytes, At.boot.memoryLimit);
  fixed.writeUInt32LE(request.images.length, At.boot.imageCount);
  for (const [index, image] of request.images.entries()) {
    fixed.writeUInt32LE(image, At.boot.images + index * 4);
  }
  fixed.writeUInt32LE(request.root.type === 'host' ? LINK_ROOT_HOST : LINK_ROOT_IMAGE, At.boot.root);
  fixed.writeUInt32LE(Number(request.trace), At.boot.trace);
  fixed.writeUInt32LE(Number(request.stdinLink), At.boot.stdinLink);
  fixed.writeUInt32LE(request.argv.length, At.boot.argc);
  fixed.writeUInt32LE(environment.length, At.boot.envc);
  fixed.writeUInt32LE(hostRoot.length, At.boot.hostRootLen);
  fixed.writeUInt32LE(request.clocksBehindS ?? 0, At.boot.clocksBehindS);
  return Buffer.concat([fixed, strings, hostRoot]);
}

export function encodeImage(image: number, path: string): Buffer {
  const name = Buffer.from(path);
  const payload = Buffer.alloc(4 + name.length);
  payload.writeUInt32LE(image, 0);
  name.copy(payload, 4);
  return payload;
}

export function encodeCapture(snapshot: number, flags: number): Buffer {
  const payload = Buffer.alloc(Size.capture);
  writeU64(payload, snapshot, At.capture.snapshot);
  payload.writeUInt32LE(flags, At.capture.flags);
  return payload;
}

export function encodeDeploy(snapshot: number, memoryLimitBytes: number, trace: boolean): Buffer {
  const payload = Buffer.alloc(Size.deploy);
  writeU64(payload, snapshot, At.deploy.snapshot);
  writeU64(payload, memoryLimitBytes, At.deploy.memoryLimit);
  payload.writeUInt32LE(Number(trace), At.deploy.trace);
  return payload;
}

export function encodeSnapshot(snapshot: number): Buffer {
  const payload = Buffer.alloc(8);
  writeU64(payload, snapshot, 0);
  return payload;
}

export function encodeDiff(a: number, b: number): Buffer {
  const payload = Buffer.alloc(Size.diff);
  writeU64(payload, a, At.diff.a);
  writeU64(payload, b, At.diff.b);
  return payload;
}

export function encodeShare(snapshot: number, index: number): Buffer {
  const payload = Buffer.alloc(Size.share);
  writeU64(payload, snapshot, At.share.snapshot);
  payload.writeUInt32LE(index, At.share.index);
  return payload;
}

export function encodeStore(snapshot: number, path: string): Buffer {
  return Buffer.concat([encodeSnapshot(snapshot), encodePath(path)]);
}

export function encodeLoad({ snapshot, parent, images }: LoadRequest, path: string): Buffer {
  if (images.length > CONTROL_IMAGES_MAX) {
    throw new RangeError(`more than ${CONTROL_IMAGES_MAX} images`);
  }
  const fixed = Buffer.alloc(Size.load);
  writeU64(fixed, snapshot, At.load.snapshot);
  writeU64(fixed, parent, At.load.parent);
  fixed.writeUInt32LE(images.length, At.load.imageCount);
  for (const [index, image] of images.entries()) {
    fixed.writeUInt32LE(image, At.load.images + index * 4);
  }
  return Buffer.concat([fixed, encodePath(path)]);
}

function encodePath(path: string): Buffer {
  if (path.includes('\0')) {
    throw new TypeError(`a NUL byte in ${JSON.stringify(path)}`);
  }
  return Buffer.from(path);
}

export function encodeU32(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value, 0);
  return payload;
}
