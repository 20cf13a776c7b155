import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import type { ImageEntry } from '../image/entries.ts';

/** The parts of a root file system that are the same for every runtime. */

const TEXT_FILES: Readonly<Record<string, string>> = {
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  '/etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  '/etc/hostname': 'uc\n',
  '/etc/resolv.conf': 'nameserver 127.0.0.53\noptions timeout:2 attempts:2\n',
  '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
  '/etc/os-release': 'NAME="Seuss"\nID=seuss\nPRETTY_NAME="Seuss unikernel context"\n',
};

const DIRECTORIES: Readonly<Record<string, number>> = {
  '/action': 0o755,
  '/dev': 0o755,
  '/proc': 0o555,
  '/root': 0o700,
  '/run': 0o755,
  '/sys': 0o555,
  '/tmp': 0o1777,
  '/var/tmp': 0o1777,
};

/** Host files taken over when they are there; links are followed. */
const HOST_FILES = [
  '/etc/services',
  '/etc/protocols',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/openssl.cnf',
  '/usr/share/zoneinfo/UTC',
  '/usr/lib/locale/C.utf8/LC_CTYPE',
];

const TOP_LEVEL_LINKS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64'];

const SYMLINKS: Readonly<Record<string, string>> = {
  '/etc/localtime': '/usr/share/zoneinfo/UTC',
  '/etc/mtab': '/proc/self/mounts',
  '/usr/lib/ssl/certs': '/etc/ssl/certs',
  '/usr/lib/ssl/cert.pem': '/etc/ssl/certs/ca-certificates.crt',
  '/usr/lib/ssl/openssl.cnf': '/etc/ssl/openssl.cnf',
};

function symlink(path: string, target: string): ImageEntry {
  return { path, mode: 0o777, source: { type: 'symlink', target } };
}

/** `/lib → usr/lib` and its like, where the host has merged them. */
function topLevelLinks(): ImageEntry[] {
  return TOP_LEVEL_LINKS.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()).map(
    (path) => symlink(path, readlinkSync(path)),
  );
}

/** A small file is read at once, so that its content, not its time, decides about the image's identity. */
function hostFile(path: string): ImageEntry {
  return { path, mode: 0o644, source: { type: 'bytes', data: readFileSync(realpathSync(path)) } };
}

export function systemEntries(): ImageEntry[] {
  return [
    ...Object.entries(DIRECTORIES).map(
      ([path, mode]): ImageEntry => ({ path, mode, source: { type: 'directory' } }),
    ),
    ...Object.entries(TEXT_FILES).map(
      ([path, text]): ImageEntry => ({
        path,
        mode: 0o644,
        source: { type: 'bytes', data: Buffer.from(text) },
      }),
    ),
    ...HOST_FILES.filter((path) => existsSync(path)).map(hostFile),
    ...Object.entries(SYMLINKS).map(([path, target]) => symlink(path, target)),
    ...topLevelLinks(),
  ];
}
