import {
  CONTROL_IMAGES_MAX,
  DiffKind,
  LINK_ROOT_HOST,
  LINK_ROOT_IMAGE,
  PLAN_ANONYMOUS,
  Size,
  SnapshotForm,
} from './abi.ts';
import { encodeStrings, readU64, writeU64 } from './wire.ts';

/** Payloads of abi/control.h in both directions. Sizes are checked before a reply is decoded. */

export interface Hello {
  readonly version: number;
  readonly pid: number;
  readonly cpu: number;
  readonly xstateBytes: number;
  /** Identity of the library OS build, in hex. */
  readonly libosId: string;
  /** User that its UCs run as. */
  readonly ucUser: number;
  /** They are in a memory cgroup of the node's own. */
  readonly inMemoryGroup: boolean;
}

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

export interface Started {
  readonly processNs: number;
  readonly deployNs: number;
}

export interface Captured {
  /** Number of the snapshot that the UC came from, or 0. */
  readonly parent: number;
  readonly ownPages: number;
  readonly sharedPages: number;
  readonly maps: number;
  readonly runs: number;
  readonly stopNs: number;
  readonly copyNs: number;
  readonly rip: number;
}

export interface Demoted {
  /** Memory that the tender holds for the UC now. */
  readonly deltaBytes: number;
  /** Pages that differ from the snapshot's, and all that the UC had to itself. */
  readonly pages: number;
  readonly ownPages: number;
  readonly stopNs: number;
}

export interface Stored {
  readonly planBytes: number;
  /** 0: there is no layer file. */
  readonly layerBytes: number;
}

export interface LoadRequest {
  /** Number for the snapshot. */
  readonly snapshot: number;
  /** Number of its parent, or 0. */
  readonly parent: number;
  /** Numbers given to its images, in window order. */
  readonly images: readonly number[];
}

export interface Compacted {
  /** Memory that the snapshot's own part takes now. */
  readonly bytes: number;
  /** Pages that differ from the parent's. */
  readonly pages: number;
}

export interface UcStat {
  readonly privateBytes: number;
  readonly sharedBytes: number;
  readonly pageTableBytes: number;
  readonly cpuNs: number;
  /** Letter of /proc/PID/stat, or `STATE_DEMOTED`. */
  readonly state: string;
}

export interface ControlExit {
  /** As waitpid(2) has it. */
  readonly waitStatus: number;
  readonly reason: number;
  readonly cpuNs: number;
  readonly maxRssBytes: number;
}

export interface SnapshotMap {
  readonly start: number;
  readonly bytes: number;
  readonly offset: number;
  readonly source: number;
  readonly prot: number;
}

/** General registers by name, in the order of struct control_inspected. */
export const REGISTERS = [
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rbp',
  'rsp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;

export interface Inspected {
  readonly ownBytes: number;
  readonly ownPages: number;
  readonly sharedPages: number;
  readonly form: keyof typeof SnapshotForm;
  readonly maps: number;
  readonly layers: number;
  readonly images: number;
  readonly clockMonotonicNs: number;
  /** 64 bits each. */
  readonly registers: Readonly<Record<(typeof REGISTERS)[number] | 'rflags' | 'fsBase' | 'gsBase', bigint>>;
  /** Address of the next instruction. */
  readonly rip: number;
  /** Where the guest goes on when the library OS is done; undefined when it is the guest's turn. */
  readonly guestRip: number | undefined;
  /** Source of its own pages among the maps, if there is one and it is known. */
  readonly ownSource: number | undefined;
}

export interface DiffRun {
  readonly start: number;
  /** Whole pages. */
  readonly bytes: number;
  readonly kind: keyof typeof DiffKind;
  /** Of 8 bytes, that differ. */
  readonly words: number;
}

function need(payload: Buffer, bytes: number, what: string): void {
  if (payload.length < bytes) {
    throw new RangeError(`${what} of ${payload.length} bytes, ${bytes} expected`);
  }
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
  writeU64(fixed, request.memoryLimitBytes, 0);
  fixed.writeUInt32LE(request.images.length, 8);
  for (const [index, image] of request.images.entries()) {
    fixed.writeUInt32LE(image, 12 + index * 4);
  }
  fixed.writeUInt32LE(request.root.type === 'host' ? LINK_ROOT_HOST : LINK_ROOT_IMAGE, 44);
  fixed.writeUInt32LE(Number(request.trace), 48);
  fixed.writeUInt32LE(Number(request.stdinLink), 52);
  fixed.writeUInt32LE(request.argv.length, 56);
  fixed.writeUInt32LE(environment.length, 60);
  fixed.writeUInt32LE(hostRoot.length, 64);
  fixed.writeUInt32LE(request.clocksBehindS ?? 0, 68);
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
  writeU64(payload, snapshot, 0);
  payload.writeUInt32LE(flags, 8);
  return payload;
}

export function encodeDeploy(snapshot: number, memoryLimitBytes: number, trace: boolean): Buffer {
  const payload = Buffer.alloc(Size.deploy);
  writeU64(payload, snapshot, 0);
  writeU64(payload, memoryLimitBytes, 8);
  payload.writeUInt32LE(Number(trace), 16);
  return payload;
}

export function encodeSnapshot(snapshot: number): Buffer {
  const payload = Buffer.alloc(8);
  writeU64(payload, snapshot, 0);
  return payload;
}

export function encodeDiff(a: number, b: number): Buffer {
  const payload = Buffer.alloc(Size.diff);
  writeU64(payload, a, 0);
  writeU64(payload, b, 8);
  return payload;
}

export function encodeShare(snapshot: number, index: number): Buffer {
  const payload = Buffer.alloc(Size.share);
  writeU64(payload, snapshot, 0);
  payload.writeUInt32LE(index, 8);
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
  writeU64(fixed, snapshot, 0);
  writeU64(fixed, parent, 8);
  fixed.writeUInt32LE(images.length, 16);
  for (const [index, image] of images.entries()) {
    fixed.writeUInt32LE(image, 20 + index * 4);
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

export function decodeHello(payload: Buffer): Hello {
  need(payload, Size.hello, 'hello');
  return {
    version: payload.readUInt32LE(0),
    pid: payload.readUInt32LE(4),
    cpu: payload.readUInt32LE(8),
    xstateBytes: payload.readUInt32LE(12),
    libosId: payload.readBigUInt64LE(16).toString(16).padStart(16, '0'),
    ucUser: payload.readUInt32LE(24),
    inMemoryGroup: payload.readUInt32LE(28) === 1,
  };
}

export function decodeStarted(payload: Buffer): Started {
  need(payload, Size.started, 'start reply');
  return { processNs: readU64(payload, 0), deployNs: readU64(payload, 8) };
}

export function decodeCaptured(payload: Buffer): Captured {
  need(payload, Size.captured, 'capture reply');
  return {
    parent: readU64(payload, 0),
    ownPages: readU64(payload, 8),
    sharedPages: readU64(payload, 16),
    maps: payload.readUInt32LE(24),
    runs: payload.readUInt32LE(28),
    stopNs: readU64(payload, 32),
    copyNs: readU64(payload, 40),
    rip: readU64(payload, 48),
  };
}

export function decodeDemoted(payload: Buffer): Demoted {
  need(payload, Size.demoted, 'demotion reply');
  return {
    deltaBytes: readU64(payload, 0),
    pages: payload.readUInt32LE(8),
    ownPages: payload.readUInt32LE(12),
    stopNs: readU64(payload, 16),
  };
}

export function decodeStored(payload: Buffer): Stored {
  need(payload, Size.stored, 'store reply');
  return { planBytes: readU64(payload, 0), layerBytes: readU64(payload, 8) };
}

export function decodeCompacted(payload: Buffer): Compacted {
  need(payload, Size.compacted, 'compaction reply');
  return { bytes: readU64(payload, 0), pages: payload.readUInt32LE(8) };
}

export function decodeStat(payload: Buffer): UcStat {
  need(payload, Size.stat, 'stat reply');
  return {
    privateBytes: readU64(payload, 0),
    sharedBytes: readU64(payload, 8),
    pageTableBytes: readU64(payload, 16),
    cpuNs: readU64(payload, 24),
    state: String.fromCharCode(payload.readUInt32LE(36) & 0x7f),
  };
}

export function decodeControlExit(payload: Buffer): ControlExit {
  need(payload, Size.exit, 'exit event');
  return {
    waitStatus: payload.readInt32LE(0),
    reason: payload.readUInt32LE(4),
    cpuNs: readU64(payload, 8),
    maxRssBytes: readU64(payload, 16),
  };
}

/** Bytes that a UC has to itself. */
export function decodeMemory(payload: Buffer): number {
  need(payload, 8, 'memory event');
  return readU64(payload, 0);
}

export function decodeMaps(payload: Buffer): SnapshotMap[] {
  const maps: SnapshotMap[] = [];
  for (let at = 0; at + Size.planMap <= payload.length; at += Size.planMap) {
    maps.push({
      start: readU64(payload, at),
      bytes: readU64(payload, at + 8),
      offset: readU64(payload, at + 16),
      source: payload.readUInt16LE(at + 24),
      prot: payload.readUInt16LE(at + 26),
    });
  }
  return maps;
}

export function decodeInspected(payload: Buffer): Inspected {
  need(payload, Size.inspected, 'inspect reply');
  const u64 = (at: number): bigint => payload.readBigUInt64LE(at);
  const general = Object.fromEntries(REGISTERS.map((name, index) => [name, u64(72 + index * 8)]));
  const guestRip = addressAt(payload, 216);
  const ownSource = payload.readUInt32LE(224);
  return {
    ownBytes: readU64(payload, 8),
    ownPages: readU64(payload, 16),
    sharedPages: readU64(payload, 24),
    form: payload.readUInt32LE(32) === SnapshotForm.words ? 'words' : 'pages',
    maps: payload.readUInt32LE(36),
    layers: payload.readUInt32LE(40),
    images: payload.readUInt32LE(44),
    clockMonotonicNs: readU64(payload, 48),
    registers: {
      ...(general as Record<(typeof REGISTERS)[number], bigint>),
      rflags: u64(208),
      fsBase: u64(56),
      gsBase: u64(64),
    },
    rip: addressAt(payload, 200),
    guestRip: guestRip === 0 ? undefined : guestRip,
    ownSource: ownSource === PLAN_ANONYMOUS ? undefined : ownSource,
  };
}

/** Addresses of a UC lie far below 2^53; a hostile one is of no use to anybody, and becomes 0. */
function addressAt(payload: Buffer, at: number): number {
  const address = payload.readBigUInt64LE(at);
  return address > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(address);
}

const DIFF_KINDS = Object.entries(DiffKind) as [keyof typeof DiffKind, number][];

export function decodeDiff(payload: Buffer): DiffRun[] {
  const runs: DiffRun[] = [];
  for (let at = 0; at + Size.diffRun <= payload.length; at += Size.diffRun) {
    const number = payload.readUInt32LE(at + 16);
    const kind = DIFF_KINDS.find(([, value]) => value === number)?.[0];
    if (kind === undefined) {
      throw new RangeError(`difference of an unknown kind ${number}`);
    }
    runs.push({
      start: readU64(payload, at),
      bytes: readU64(payload, at + 8),
      kind,
      words: payload.readUInt32LE(at + 20),
    });
  }
  return runs;
}

/** struct link_exit out of a UC: hostile, so a short one is no exit. */
export function decodeLinkExit(payload: Buffer): { signal: number; status: number } | undefined {
  return payload.length < Size.linkExit
    ? undefined
    : { signal: payload.readUInt32LE(0), status: payload.readUInt32LE(4) };
}
