import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { type Check, check } from './check.ts';
import { readNumber, readText } from './files.ts';

/** PAGEMAP_SCAN, by which a capture finds the dirty pages, came with Linux 6.7. */
const NEEDED = { major: 6, minor: 7 };

export function kernelChecks(): Check[] {
  return [platform(), version(), seccomp(), fsgsbase(), ptrace()];
}

function platform(): Check {
  return check('platform', process.platform === 'linux' && process.arch === 'x64', {
    found: `${process.platform} ${process.arch}`,
    means: 'The library OS and the tender are made for Linux on x86-64.',
    remedy: 'Use a Linux machine with an x86-64 processor.',
  });
}

function version(): Check {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return check('kernel version', major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor), {
    found: release(),
    means:
      'A capture finds the written pages with PAGEMAP_SCAN, which Linux has since ' +
      `${NEEDED.major}.${NEEDED.minor}.`,
    remedy: 'On Debian 12: sudo apt-get install -y -t bookworm-backports linux-image-amd64, then reboot.',
  });
}

function seccomp(): Check {
  const actions = readText('/proc/sys/kernel/seccomp/actions_avail');
  return check('seccomp', actions?.split(' ').includes('trap') === true, {
    found: actions ?? 'not there, or not shown by this host',
    means: 'The filter confines a unikernel context and routes its system calls to the library OS.',
    remedy: 'Use a kernel with CONFIG_SECCOMP_FILTER, or a container runtime that allows seccomp(2).',
    // A host may hide all of /proc/sys.
    otherwise: existsSync('/proc/sys/kernel') ? 'missing' : 'warning',
  });
}

function fsgsbase(): Check {
  const flags = /^flags\s*:(.*)$/m.exec(readText('/proc/cpuinfo') ?? '')?.[1]?.split(' ') ?? [];
  return check('fsgsbase', flags.includes('fsgsbase'), {
    found: flags.includes('fsgsbase') ? 'there' : 'not there',
    means: 'Green threads switch their thread pointer without a system call.',
    remedy: 'Use a processor of 2012 or later, and boot without the kernel option nofsgsbase.',
  });
}

function ptrace(): Check {
  const scope = readNumber('/proc/sys/kernel/yama/ptrace_scope') ?? 0;
  const root = process.getuid?.() === 0;
  return check('ptrace', scope <= 1 || (scope === 2 && root), {
    found: `ptrace_scope ${scope}`,
    means: 'The tender captures a context from outside: it stops it and reads its registers.',
    remedy: 'sudo sysctl kernel.yama.ptrace_scope=1 (a value of 3 needs a reboot)',
  });
}
