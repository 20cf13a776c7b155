/**
 * The numbers of abi/control.h and abi/link.h. tests/tender-abi.test.ts compares them with
 * what the C compiler makes of the headers.
 */

export const CONTROL_VERSION = 2;
export const CONTROL_PAYLOAD_MAX = 64 << 20;
export const CONTROL_IMAGES_MAX = 8;
export const CONTROL_IMAGE_HUGE = 1;
export const CONTROL_KILL_MEMORY = 1;
export const CONTROL_CAPTURE_KEEP = 1;
export const CONTROL_CAPTURE_LIVE = 2;
export const CONTROL_CAPTURE_AT_ANSWER = 4;
/** Version of the deploy plan, abi/plan.h. */
export const PLAN_VERSION = 4;

export const Control = {
  ok: 1,
  error: 2,
  hello: 10,
  image: 11,
  boot: 12,
  capture: 13,
  deploy: 14,
  kill: 15,
  drop: 16,
  stat: 17,
  mount: 18,
  maps: 19,
  imageDrop: 20,
  demote: 21,
  promote: 22,
  compact: 23,
  store: 24,
  load: 25,
  inspect: 26,
  diff: 27,
  reset: 28,
  join: 29,
  send: 30,
  idle: 31,
  mute: 32,
  await: 33,
  share: 34,
  link: 40,
  exit: 41,
  cut: 42,
  memory: 43,
} as const;
export type ControlType = (typeof Control)[keyof typeof Control];

export const Link = {
  driverIn: 10,
  stdin: 11,
  mount: 12,
  signal: 13,
  fsReply: 14,
  deployed: 30,
  driverOut: 31,
  stdout: 32,
  stderr: 33,
  exit: 34,
  panic: 35,
  trace: 36,
  fsCall: 37,
} as const;
export type LinkType = (typeof Link)[keyof typeof Link];

export const LINK_MORE = 0x8000;
export const LINK_ROOT_IMAGE = 0;
export const LINK_ROOT_HOST = 1;

export const ExitReason = { self: 0, killed: 1, memory: 2, protocol: 3, stuck: 4, idle: 5 } as const;

/** Source of a mapping that no file is behind, and an own layer that is not known. */
export const PLAN_ANONYMOUS = 0xffff;
/** Sources below it are images. */
export const UC_IMAGE_MAX = 8;

/** Parts of a context's address space, from abi/layout.h. */
export const UcLayout = {
  patchBase: 0x0001_0000,
  patchEnd: 0x0020_0000,
  libosBase: 0x1800_0000,
  libosEnd: 0x1c00_0000,
  vdsoBase: 0x1d00_0000,
  vdsoEnd: 0x1d10_0000,
} as const;

export const SnapshotForm = { pages: 0, words: 1 } as const;

export const DiffKind = { onlyA: 1, onlyB: 2, bytes: 3, access: 4 } as const;

/** State of a UC without a process, in place of /proc's letter. */
export const STATE_DEMOTED = 'd';

/** Sizes of the structures in bytes. */
export const Size = {
  frame: 16,
  hello: 32,
  boot: 72,
  started: 16,
  capture: 16,
  captured: 56,
  deploy: 24,
  demote: 8,
  demoted: 24,
  compacted: 16,
  inspected: 232,
  diff: 16,
  share: 16,
  diffRun: 24,
  stored: 16,
  load: 56,
  stat: 48,
  exit: 24,
  planMap: 32,
  linkExit: 8,
} as const;
