import { DESCRIPTORS_NEEDED, descriptorLimit } from '../tender/descriptor-limit.ts';
import { type Check, check } from './check.ts';
import { readNumber, readText } from './files.ts';

/** What a node with some thousand idle contexts uses. */
const WANTED = { openFiles: 65_536, pidMax: 131_072, mapCount: 65_530, memoryBytes: 2 * 1024 ** 3 };

/** Of /proc/sys, which some container runtimes hide. */
const NOT_SHOWN = 'not shown by this host';

export function limitChecks(): Check[] {
  return [openFiles(), processes(), pidMax(), mapCount(), overcommit(), memory()];
}

function openFiles(): Check {
  const { hard, mayRaise } = descriptorLimit();
  return check('open files', mayRaise || hard >= WANTED.openFiles, {
    found: mayRaise ? `${hard}, which the tender raises` : String(hard),
    means: 'Each context has a link and each snapshot a memory file.',
    remedy: `ulimit -Hn ${WANTED.openFiles} as root, or LimitNOFILE=${WANTED.openFiles} in the systemd unit`,
    otherwise: hard < DESCRIPTORS_NEEDED ? 'missing' : 'warning',
  });
}

function processes(): Check {
  const text = /^Max processes\s+\d+\s+(\S+)/m.exec(readText('/proc/self/limits') ?? '')?.[1] ?? '0';
  const hard = text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
  return check('processes of a user', process.getuid?.() === 0 || hard >= 4096, {
    found: text,
    means: 'Each context is a process.',
    remedy: 'ulimit -Hu 65536 as root, or LimitNPROC=65536 in the systemd unit',
    otherwise: 'warning',
  });
}

function pidMax(): Check {
  const value = readNumber('/proc/sys/kernel/pid_max');
  return check('kernel.pid_max', (value ?? 0) >= WANTED.pidMax, {
    found: value === undefined ? NOT_SHOWN : String(value),
    means: 'The number of contexts at one time is below it.',
    remedy: 'sudo sysctl kernel.pid_max=4194304',
    otherwise: 'warning',
  });
}

function mapCount(): Check {
  const value = readNumber('/proc/sys/vm/max_map_count');
  return check('vm.max_map_count', (value ?? 0) >= WANTED.mapCount, {
    found: value === undefined ? NOT_SHOWN : String(value),
    means: 'A guest with a scattered heap has many mappings.',
    remedy: `sudo sysctl vm.max_map_count=${WANTED.mapCount}`,
    otherwise: 'warning',
  });
}

function overcommit(): Check {
  const value = readNumber('/proc/sys/vm/overcommit_memory') ?? 0;
  return check('vm.overcommit_memory', value !== 2, {
    found: String(value),
    means: 'Interpreters reserve far more address space than they use, and clones share pages.',
    remedy: 'sudo sysctl vm.overcommit_memory=0',
    otherwise: 'warning',
  });
}

function memory(): Check {
  const available =
    Number(/^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1] ?? 0) * 1024;
  return check('memory', available >= WANTED.memoryBytes, {
    found: `${(available / 1024 ** 3).toFixed(1)} GB available`,
    means: 'Snapshots of both runtimes and a thousand idle contexts fit in 2 GB.',
    remedy: 'End other programs, or give the machine more memory.',
    otherwise: 'warning',
  });
}
