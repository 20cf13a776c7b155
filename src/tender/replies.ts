import { At, CONTROL_STATE_DEMOTED, DiffKind, PLAN_ANONYMOUS, Size, SnapshotForm } from './abi.gen.ts';
import { readU64 } from './wire.ts';

/** Payloads of abi/control.h that the tender sends. Sizes are checked before one is decoded. */

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
  readonly remainsBytes: number;
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
  /** Letter of /proc/PID/stat; of a demoted UC one of the protocol's. */
  readonly state: string;
  /** It has no process. */
  readonly isDemoted: boolean;
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
const REGISTERS = [
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

interface DiffRun {
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

export function decodeHello(payload: Buffer): Hello {
  need(payload, Size.hello, 'hello');
  return {
    version: payload.readUInt32LE(At.hello.version),
    pid: payload.readUInt32LE(At.hello.pid),
    cpu: payload.readUInt32LE(At.hello.cpu),
    xstateBytes: payload.readUInt32LE(At.hello.xstateBytes),
    libosId: payload.readBigUInt64LE(At.hello.libosId).toString(16).padStart(16, '0'),
    ucUser: payload.readUInt32LE(At.hello.ucUser),
    inMemoryGroup: payload.readUInt32LE(At.hello.memoryGroup) === 1,
  };
}

export function decodeStarted(payload: Buffer): Started {
  need(payload, Size.started, 'start reply');
  return {
    processNs: readU64(payload, At.started.processNs),
    deployNs: readU64(payload, At.started.deployNs),
  };
}

export function decodeCaptured(payload: Buffer): Captured {
  need(payload, Size.captured, 'capture reply');
  return {
    parent: readU64(payload, At.captured.parent),
    ownPages: readU64(payload, At.captured.ownPages),
    sharedPages: readU64(payload, At.captured.sharedPages),
    maps: payload.readUInt32LE(At.captured.maps),
    runs: payload.readUInt32LE(At.captured.runs),
    stopNs: readU64(payload, At.captured.stopNs),
    copyNs: readU64(payload, At.captured.copyNs),
    rip: readU64(payload, At.captured.rip),
  };
}

export function decodeDemoted(payload: Buffer): Demoted {
  need(payload, Size.demoted, 'demotion reply');
  return {
    remainsBytes: readU64(payload, At.demoted.remainsBytes),
    pages: payload.readUInt32LE(At.demoted.pages),
    ownPages: payload.readUInt32LE(At.demoted.ownPages),
    stopNs: readU64(payload, At.demoted.stopNs),
  };
}

export function decodeStored(payload: Buffer): Stored {
  need(payload, Size.stored, 'store reply');
  return {
    planBytes: readU64(payload, At.stored.planBytes),
    layerBytes: readU64(payload, At.stored.layerBytes),
  };
}

export function decodeCompacted(payload: Buffer): Compacted {
  need(payload, Size.compacted, 'compaction reply');
  return { bytes: readU64(payload, At.compacted.bytes), pages: payload.readUInt32LE(At.compacted.pages) };
}

export function decodeStat(payload: Buffer): UcStat {
  need(payload, Size.stat, 'stat reply');
  const state = payload.readUInt32LE(At.stat.state);
  return {
    privateBytes: readU64(payload, At.stat.privateBytes),
    sharedBytes: readU64(payload, At.stat.sharedBytes),
    pageTableBytes: readU64(payload, At.stat.pageTableBytes),
    cpuNs: readU64(payload, At.stat.cpuNs),
    state: String.fromCharCode(state & 0x7f),
    isDemoted: state === CONTROL_STATE_DEMOTED,
  };
}

export function decodeControlExit(payload: Buffer): ControlExit {
  need(payload, Size.exit, 'exit event');
  return {
    waitStatus: payload.readInt32LE(At.exit.waitStatus),
    reason: payload.readUInt32LE(At.exit.reason),
    cpuNs: readU64(payload, At.exit.cpuNs),
    maxRssBytes: readU64(payload, At.exit.maxRssBytes),
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
      start: readU64(payload, at + At.planMap.start),
      bytes: readU64(payload, at + At.planMap.bytes),
      offset: readU64(payload, at + At.planMap.offset),
      source: payload.readUInt16LE(at + At.planMap.source),
      prot: payload.readUInt16LE(at + At.planMap.prot),
    });
  }
  return maps;
}

export function decodeInspected(payload: Buffer): Inspected {
  need(payload, Size.inspected, 'inspect reply');
  const at = At.inspected;
  const u64 = (offset: number): bigint => payload.readBigUInt64LE(offset);
  const general = Object.fromEntries(REGISTERS.map((name, index) => [name, u64(at.r + index * 8)]));
  const guestRip = addressAt(payload, at.guestRip);
  const ownSource = payload.readUInt32LE(at.ownSource);
  return {
    ownBytes: readU64(payload, at.ownBytes),
    ownPages: readU64(payload, at.ownPages),
    sharedPages: readU64(payload, at.sharedPages),
    form: payload.readUInt32LE(at.form) === SnapshotForm.words ? 'words' : 'pages',
    maps: payload.readUInt32LE(at.maps),
    layers: payload.readUInt32LE(at.layers),
    images: payload.readUInt32LE(at.images),
    clockMonotonicNs: readU64(payload, at.clockMonotonicNs),
    registers: {
      ...(general as Record<(typeof REGISTERS)[number], bigint>),
      rflags: u64(at.rflags),
      fsBase: u64(at.fsBase),
      gsBase: u64(at.gsBase),
    },
    rip: addressAt(payload, at.rip),
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
    const number = payload.readUInt32LE(at + At.diffRun.kind);
    const kind = DIFF_KINDS.find(([, value]) => value === number)?.[0];
    if (kind === undefined) {
      throw new RangeError(`difference of an unknown kind ${number}`);
    }
    runs.push({
      start: readU64(payload, at + At.diffRun.start),
      bytes: readU64(payload, at + At.diffRun.bytes),
      kind,
      words: payload.readUInt32LE(at + At.diffRun.words),
    });
  }
  return runs;
}

/** struct link_exit out of a UC: hostile, so a short one is no exit. */
export function decodeLinkExit(payload: Buffer): { signal: number; status: number } | undefined {
  return payload.length < Size.linkExit
    ? undefined
    : { signal: payload.readUInt32LE(At.linkExit.signal), status: payload.readUInt32LE(At.linkExit.status) };
}
